/** The command that signs a batch as Mandrill does: HMAC-SHA1 over the address, the field's name and its value, in base64. */

/** A text as one word of a shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** The batch lies in a file, since what is signed and what is posted must be the same bytes, however many. */
export function signedCommand(events: readonly unknown[], url: string): string {
  return `read -rsp 'Webhook key: ' KEY
URL=${quoted(url)}
cat > batch.json <<'END'
${JSON.stringify(events)}
END
SIGNATURE=$({ printf '%s' "$URL" mandrill_events; cat batch.json; } | openssl dgst -sha1 -hmac "$KEY" -binary | base64)
curl "$URL" -H "X-Mandrill-Signature: $SIGNATURE" --data-urlencode mandrill_events@batch.json`;
}
