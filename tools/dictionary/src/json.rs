//! JSON whose fields keep their order, written as the provider does: ASCII, with escaped slashes.

/// A value.
#[derive(Debug, Clone)]
pub(crate) enum Json {
    /// A number, a truth value or null.
    Plain(String),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    pub(crate) fn null() -> Self {
        Self::Plain("null".to_owned())
    }

    pub(crate) fn object<const N: usize>(fields: [(&str, Self); N]) -> Self {
        Self::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    /// Adds a field to an object.
    pub(crate) fn with(mut self, name: &str, value: impl Into<Self>) -> Self {
        if let Self::Object(fields) = &mut self {
            fields.push((name.to_owned(), value.into()));
        }
        self
    }

    /// The same with the fields of all objects in alphabetical order.
    pub(crate) fn sorted(self) -> Self {
        match self {
            Self::Object(mut fields) => {
                fields.sort_by(|a, b| a.0.cmp(&b.0));
                Self::Object(fields.into_iter().map(|(name, value)| (name, value.sorted())).collect())
            }
            Self::List(items) => Self::List(items.into_iter().map(Self::sorted).collect()),
            other => other,
        }
    }

    pub(crate) fn write(&self, to: &mut String) {
        match self {
            Self::Plain(text) => to.push_str(text),
            Self::Text(text) => write_text(text, to),
            Self::List(items) => write_all(items, ('[', ']'), to, Self::write),
            Self::Object(fields) => write_all(fields, ('{', '}'), to, |(name, value), to| {
                write_text(name, to);
                to.push(':');
                value.write(to);
            }),
        }
    }
}

fn write_all<T>(items: &[T], (open, close): (char, char), to: &mut String, write: impl Fn(&T, &mut String)) {
    to.push(open);
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            to.push(',');
        }
        write(item, to);
    }
    to.push(close);
}

fn write_text(text: &str, to: &mut String) {
    to.push('"');
    for sign in text.chars() {
        match sign {
            '"' | '\\' | '/' => to.extend(['\\', sign]),
            '\n' => to.push_str("\\n"),
            _ if sign.is_ascii() => to.push(sign),
            _ => sign.encode_utf16(&mut [0; 2]).iter().for_each(|unit| to.push_str(&format!("\\u{unit:04x}"))),
        }
    }
    to.push('"');
}

impl From<&str> for Json {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Json {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<usize> for Json {
    fn from(number: usize) -> Self {
        Self::Plain(number.to_string())
    }
}

impl From<bool> for Json {
    fn from(value: bool) -> Self {
        Self::Plain(value.to_string())
    }
}
