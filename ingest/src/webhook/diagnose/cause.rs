//! What a near miss consists of.

/// Most mistakes that are assumed together.
pub(super) const MAX_CAUSES: usize = 3;

/// What a refused request contains besides its form.
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

/// One mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// http instead of https, or the reverse.
    Scheme,
    /// Another host.
    Host,
    /// A port too many or too few.
    Port,
    /// A trailing slash too many or too few.
    Slash,
    /// Another path.
    Path,
    /// The same query in another order.
    QueryOrder,
    /// Mandrill's URL has a query that ours lacks.
    QueryMissing,
    /// Our URL has a query that Mandrill's lacks.
    QueryExtra,
    /// User and password in one of the URLs.
    Credentials,
    /// The JSON was rewritten in transit.
    Json,
    /// The sender signed the encoded value of the form.
    Undecoded,
    /// The sender signed the URL without the fields.
    NoFields,
    /// The key of Mandrill's URL check.
    PublicKey,
    /// The label was used as part of the key.
    LabelInKey,
    /// The key was decoded before use.
    DecodedKey,
    /// Hexadecimal instead of base64.
    Hex,
    /// Another base64 alphabet, or no padding.
    Base64,
    /// SHA-256 instead of SHA-1.
    Sha256,
}

impl Cause {
    /// A stable code.
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

    /// What to do about it. `None` where the two URLs explain it.
    pub(super) fn advice(self) -> Option<&'static str> {
        match self {
            Self::Json => Some("The body was modified in transit. Configure the proxy to pass bodies on unchanged."),
            Self::Undecoded => Some("The sender signs the encoded value; Mandrill signs the decoded one."),
            Self::NoFields => Some("The sender signs only the URL; Mandrill signs the fields too."),
            Self::PublicKey => Some("The sender signs with `test-webhook`, which verifies nothing. Use the webhook's own key."),
            Self::LabelInKey => Some("The sender signs with LABEL=KEY; only the part after the `=` is the key."),
            Self::DecodedKey => Some("The sender decodes the key from base64; Mandrill uses its text."),
            Self::Hex => Some("The sender encodes the signature in hexadecimal; Mandrill uses base64."),
            Self::Base64 => Some("The sender uses another form of base64 than Mandrill: URL-safe, or without padding."),
            Self::Sha256 => Some("The sender signs with SHA-256; Mandrill signs with SHA-1."),
            _ => None,
        }
    }
}

/// What explains a wrong signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NearMiss {
    /// The mistakes, which all have to be assumed.
    pub causes: Vec<Cause>,
    /// What was signed, and what to change. Credentials are masked.
    pub detail: String,
}

impl NearMiss {
    /// The codes of the causes, joined by `+`.
    pub fn codes(&self) -> String {
        self.causes.iter().map(|cause| cause.code()).collect::<Vec<_>>().join("+")
    }
}

/// A replacement for an expected value, and the mistakes that it assumes.
pub(super) type Variant<T> = (T, Vec<Cause>);
