/** Builds a command that signs a batch as Mandrill does: base64 of HMAC-SHA1 over the URL, the field name and the field value. */

/** Quotes a string as a single shell word. */
function shellQuote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** The command stores the batch in a file, so that the signature and the request cover the same bytes. */
export function signedCommand(events: readonly unknown[], url: string): string {
  return `read -rsp 'Webhook key: ' KEY
URL=${shellQuote(url)}
cat > batch.json <<'END'
${JSON.stringify(events)}
END
SIGNATURE=$({ printf '%s' "$URL" mandrill_events; cat batch.json; } | openssl dgst -sha1 -hmac "$KEY" -binary | base64)
curl "$URL" -H "X-Mandrill-Signature: $SIGNATURE" --data-urlencode mandrill_events@batch.json`;
}
