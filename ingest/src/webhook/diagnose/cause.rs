//! Near misses and their causes.

/// Maximum number of mistakes in one combination.
pub(super) const MAX_CAUSES: usize = 3;

/// The parts of a rejected request other than its form.
#[derive(Debug, Clone, Copy)]
pub struct RefusedRequest<'a> {
    /// The signature header.
    pub signature: &'a [u8],
    /// `X-Forwarded-Proto`.
    pub scheme: Option<&'a str>,
    /// `Host`.
    pub host: Option<&'a str>,
    /// The path of the request.
    pub path: &'a str,
    /// The query string of the request.
    pub query: Option<&'a str>,
    /// `Authorization`.
    pub authorization: Option<&'a str>,
}

/// A single mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// http instead of https, or vice versa.
    Scheme,
    /// A different host.
    Host,
    /// An extra, missing or different port.
    Port,
    /// An extra or missing trailing slash.
    Slash,
    /// A different path.
    Path,
    /// The same query parameters in a different order.
    QueryOrder,
    /// Mandrill's URL has a query string that ours lacks.
    QueryMissing,
    /// Our URL has a query string that Mandrill's lacks.
    QueryExtra,
    /// Credentials that are missing from one of the URLs or differ between them.
    Credentials,
    /// The JSON was modified in transit.
    Json,
    /// The sender signed the form value before decoding.
    Undecoded,
    /// The sender signed only the URL, without the fields.
    NoFields,
    /// The sender used the key for Mandrill's URL check.
    PublicKey,
    /// The sender used the label as part of the key.
    LabelInKey,
    /// The sender decoded the key before use.
    DecodedKey,
    /// The signature is in hexadecimal instead of base64.
    Hex,
    /// The signature uses a different base64 alphabet or lacks padding.
    Base64,
    /// The sender used SHA-256 instead of SHA-1.
    Sha256,
}

impl Cause {
    /// A stable error code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Scheme => "scheme",
            Self::Host => "host",
            Self::Port => "port",
            Self::Slash => "slash",
            Self::Path => "path",
            Self::QueryOrder => "query_order",
            Self::QueryMissing => "query_missing",
            Self::QueryExtra => "query_extra",
            Self::Credentials => "credentials",
            Self::Json => "json",
            Self::Undecoded => "undecoded",
            Self::NoFields => "no_fields",
            Self::PublicKey => "public_key",
            Self::LabelInKey => "label_in_key",
            Self::DecodedKey => "decoded_key",
            Self::Hex => "hex",
            Self::Base64 => "base64",
            Self::Sha256 => "sha256",
        }
    }

    /// Returns advice on fixing the mistake, or `None` if comparing the two URLs is enough.
    pub(super) fn advice(self) -> Option<&'static str> {
        match self {
            Self::Json => Some("The body was modified in transit. Configure the proxy to forward bodies unchanged."),
            Self::Undecoded => Some("The sender signs the encoded value; Mandrill signs the decoded one."),
            Self::NoFields => Some("The sender signs only the URL; Mandrill signs the fields too."),
            Self::PublicKey => Some("The sender signs with `test-webhook`, which verifies nothing. Use the webhook's own key."),
            Self::LabelInKey => Some("The sender signs with LABEL=KEY; only the part after the `=` is the key."),
            Self::DecodedKey => Some("The sender decodes the key from base64; Mandrill uses the key string as it is."),
            Self::Hex => Some("The sender encodes the signature in hexadecimal; Mandrill uses base64."),
            Self::Base64 => Some("The sender uses a different form of base64 than Mandrill: URL-safe, or without padding."),
            Self::Sha256 => Some("The sender signs with SHA-256; Mandrill signs with SHA-1."),
            _ => None,
        }
    }
}

/// An explanation for an invalid signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NearMiss {
    /// The combination of configuration mistakes that would produce this signature.
    pub causes: Vec<Cause>,
    /// What was signed and what to change. Credentials are masked.
    pub detail: String,
}

impl NearMiss {
    /// Returns the codes of the causes, joined with `+`.
    pub fn codes(&self) -> String {
        self.causes.iter().map(|cause| cause.code()).collect::<Vec<_>>().join("+")
    }
}

/// An alternative to an expected value, and the mistakes that would produce it.
pub(super) type Variant<T> = (T, Vec<Cause>);
