//! Undoes the encodings in which an address can stand in a text.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// The shortest address, such as `a@b.co`, in base64 and in hexadecimal digits.
const MIN_BASE64: usize = 8;
const MIN_HEX: usize = 12;
/// How many digits of the number of an entity are read. Most can be zeros.
const MAX_DIGITS: usize = 32;

const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true).with_decode_padding_mode(DecodePaddingMode::Indifferent);
const BASE64: GeneralPurpose = GeneralPurpose::new(&STANDARD, LENIENT);

/// The text without escapes, as far as it contains any: those of links, JSON and HTML (`%40`, `%u0040`, `\u0040`, `\x40`, `&#64;`, `&#x40;`, `&commat;`) at
/// once, and, since `=` and `+` mean something else in links, those of quoted-printable (`=40` and soft line breaks) and xtext (`+40`).
pub(super) fn unescaped(text: &str) -> impl Iterator<Item = String> {
    let common = replace(text, &['%', '\\', '&'], |mark, rest| match mark {
        '%' => hex_code(rest, 2, 2).or_else(|| unicode(rest)),
        '&' => entity(rest),
        _ => backslash(rest),
    });
    let printable = replace(text, &['='], |_, rest| {
        let line_break = ["\r\n", "\n"].into_iter().find(|end| rest.starts_with(end));
        line_break.map(|end| (Vec::new(), end.len())).or_else(|| hex_code(rest, 2, 2))
    });
    let xtext = replace(text, &['+'], |_, rest| hex_code(rest, 2, 2));
    [common, printable, xtext].into_iter().flatten()
}

/// Replaces each of the `marks` and what follows it, if `decode` returns its bytes and how many bytes it took. `None` if nothing is replaced.
fn replace(text: &str, marks: &[char], decode: impl Fn(char, &str) -> Option<(Vec<u8>, usize)>) -> Option<String> {
    let (mut decoded, mut end) = (Vec::new(), 0);
    for (at, mark) in text.match_indices(marks) {
        let Some(mark) = mark.chars().next().filter(|_| at >= end) else { continue };
        let after = at + mark.len_utf8();
        if let Some((bytes, length)) = decode(mark, &text[after..]) {
            decoded.extend(&text.as_bytes()[end..at]);
            decoded.extend(bytes);
            end = after + length;
        }
    }
    if end == 0 {
        return None;
    }
    decoded.extend(&text.as_bytes()[end..]);
    Some(String::from_utf8_lossy(&decoded).into_owned())
}

/// The character of `u0040`, after a backslash in JSON or a percent sign in old links.
fn unicode(text: &str) -> Option<(Vec<u8>, usize)> {
    hex_code(text.strip_prefix('u')?, 4, 4).map(|(code, length)| (code, length + 1))
}

/// The character of an escape in JSON or JavaScript, without the backslash before it.
fn backslash(text: &str) -> Option<(Vec<u8>, usize)> {
    match text.as_bytes().first()? {
        b'u' if text[1..].starts_with('{') => {
            let (code, length) = hex_code(&text[2..], 1, 6)?;
            text[2 + length..].starts_with('}').then_some((code, length + 3))
        }
        b'u' => unicode(text),
        b'x' => hex_code(&text[1..], 2, 2).map(|(code, length)| (code, length + 1)),
        _ => None,
    }
}

/// The number in hexadecimal digits at the start of a text, and how many digits it has. Two digits are a byte; more are a character.
fn hex_code(text: &str, min: usize, max: usize) -> Option<(Vec<u8>, usize)> {
    let digits = text.bytes().take(max).take_while(u8::is_ascii_hexdigit).count();
    if digits < min {
        return None;
    }
    let code = u32::from_str_radix(&text[..digits], 16).ok()?;
    let bytes = if max == 2 { vec![u8::try_from(code).ok()?] } else { char::from_u32(code)?.to_string().into_bytes() };
    Some((bytes, digits))
}

/// The character of an entity, without the `&` before it.
fn entity(text: &str) -> Option<(Vec<u8>, usize)> {
    const NAMED: [(&str, &str); 8] = [
        ("commat", "@"),
        ("period", "."),
        ("lowbar", "_"),
        ("hyphen", "-"),
        ("plus", "+"),
        ("num", "#"),
        ("amp", "&"),
        ("quot", "\""),
    ];
    let with_end = |length: usize| length + usize::from(text[length..].starts_with(';'));
    if let Some((name, character)) = NAMED.iter().find(|(name, _)| text.starts_with(name)) {
        return Some((character.as_bytes().to_vec(), with_end(name.len())));
    }
    let number = text.strip_prefix('#')?;
    if let Some(hex) = number.strip_prefix(['x', 'X']) {
        let (bytes, length) = hex_code(hex, 1, MAX_DIGITS)?;
        return Some((bytes, with_end(length + 2)));
    }
    let digits = number.bytes().take(MAX_DIGITS).take_while(u8::is_ascii_digit).count();
    let character = char::from_u32(number[..digits].parse().ok()?)?;
    Some((character.to_string().into_bytes(), with_end(digits + 1)))
}

/// What the runs of base64 and of hexadecimal digits in a text stand for, from each place at which a group of characters can begin.
pub(super) fn decoded_runs(text: &str) -> impl Iterator<Item = String> {
    let base64 = |character: char| character.is_ascii_alphanumeric() || "+/-_".contains(character);
    let of_base64 = runs(text, base64, MIN_BASE64).flat_map(|run| {
        // A run can mix both alphabets if it goes on in a path.
        let run = run.replace('-', "+").replace('_', "/");
        (0..4).filter_map(move |start| {
            let group = run.get(start..)?;
            // A single character after the last group encodes nothing.
            let length = group.len() - usize::from(group.len() % 4 == 1);
            BASE64.decode(&group[..length]).ok()
        })
    });
    let of_hex = runs(text, |character| character.is_ascii_hexdigit(), MIN_HEX).flat_map(|run| {
        (0..2).filter_map(move |start| {
            let digits = run.get(start..)?;
            hex::decode(&digits[..digits.len() & !1]).ok()
        })
    });
    of_base64.chain(of_hex).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

fn runs(text: &str, is_part: impl Fn(char) -> bool, min: usize) -> impl Iterator<Item = &str> {
    text.split(move |character| !is_part(character)).filter(move |run| run.len() >= min)
}
