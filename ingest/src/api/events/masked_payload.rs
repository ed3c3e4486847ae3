//! Payloads for callers who see no addresses.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

/// Fields of a payload, or of its `msg`, that contain a mail or a part of one.
const CONTENT: [&str; 6] = ["text", "html", "raw_msg", "attachments", "images", "headers"];

/// The payload without the content of inbound mail. Addresses in it remain; `Masking::json` hides them.
pub(crate) fn without_content(payload: &str) -> String {
    without(payload, |msg| without(msg, str::to_owned))
}

/// An object without the fields in [`CONTENT`]; `msg` becomes what `of_msg` returns. Other JSON stays as it is.
fn without(json: &str, of_msg: impl Fn(&str) -> String) -> String {
    let Ok(mut fields) = serde_json::from_str::<BTreeMap<String, Box<RawValue>>>(json) else { return json.to_owned() };
    fields.retain(|name, _| !CONTENT.contains(&name.as_str()));
    if let Some(msg) = fields.get_mut("msg")
        && let Ok(changed) = RawValue::from_string(of_msg(msg.get()))
    {
        *msg = changed;
    }
    serde_json::to_string(&fields).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_content_of_mail_is_left_out() {
        let payload = r#"{"ts":1.50,"event":"inbound","text":1,"msg":{"html":"<p>","subject":"s","raw_msg":"x","msg":{"text":""},
            "attachments":{"a":{}},"images":{},"headers":{},"text":"t"}}"#;
        assert_eq!(without_content(payload), r#"{"event":"inbound","msg":{"msg":{"text":""},"subject":"s"},"ts":1.50}"#);
        assert_eq!(without_content("[1]"), "[1]");
    }
}
