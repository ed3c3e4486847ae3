//! Names the program and the kind of device that a user agent belongs to.

/// The program that opened or clicked, and what it runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reader {
    /// A mail program or browser, such as `Apple Mail`; `Other` if it is not known.
    pub(crate) client: &'static str,
    /// `Phone`, `Tablet`, `Computer` or `Other`.
    pub(crate) device: &'static str,
}

const OTHER: &str = "Other";

/// Parts of user agents, in lower case, and the programs that they belong to. The first match counts: mail programs name the browser that they
/// contain, and browsers name those that they imitate.
const CLIENTS: [(&str, &str); 29] = [
    ("thunderbird", "Thunderbird"),
    ("microsoft outlook", "Outlook"),
    ("outlook-", "Outlook"),
    ("ms-office", "Outlook"),
    ("msoffice", "Outlook"),
    ("airmail", "Airmail"),
    ("bluemail", "BlueMail"),
    ("k-9", "K-9 Mail"),
    ("superhuman", "Superhuman"),
    ("samsung email", "Samsung Email"),
    ("samsungemail", "Samsung Email"),
    ("mailbird", "Mailbird"),
    ("emclient", "eM Client"),
    ("postbox", "Postbox"),
    ("lotus-notes", "HCL Notes"),
    ("evolution", "Evolution"),
    ("yahoomobile", "Yahoo Mail"),
    ("gsa/", "Google app"),
    ("edg/", "Edge"),
    ("edga/", "Edge"),
    ("edgios", "Edge"),
    ("opr/", "Opera"),
    ("samsungbrowser", "Samsung Internet"),
    ("fxios", "Firefox"),
    ("firefox/", "Firefox"),
    ("crios", "Chrome"),
    ("chrome/", "Chrome"),
    ("trident/", "Internet Explorer"),
    ("msie", "Internet Explorer"),
];

impl Reader {
    /// Reads a user agent.
    pub(crate) fn of(user_agent: &str) -> Self {
        let agent = user_agent.to_ascii_lowercase();
        let has = |part: &str| agent.contains(part);
        let known = CLIENTS.iter().find(|(part, _)| has(part)).map(|(_, client)| *client);
        let is_apple = has("applewebkit") && (has("iphone") || has("ipad") || has("macintosh"));
        // Apple Mail shows a message in the engine of Safari, whose name and version it leaves out.
        let client = known.unwrap_or(match (is_apple, has("safari/")) {
            (true, false) => "Apple Mail",
            (true, true) => "Safari",
            _ => OTHER,
        });
        let device = if has("ipad") || (has("tablet") && !has("windows")) || (has("android") && has("mozilla") && !has("mobile"))
        {
            "Tablet"
        } else if has("iphone") || has("mobile") || has("android") {
            "Phone"
        } else if has("windows") || has("macintosh") || has("x11") || has("linux") {
            "Computer"
        } else {
            OTHER
        };
        Self { client, device }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_and_devices_are_told_apart() {
        let mac = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)";
        let phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)";
        let table = [
            (mac.to_owned(), "Apple Mail", "Computer"),
            (format!("{mac} Version/18.1 Safari/605.1.15"), "Safari", "Computer"),
            (format!("{phone} Mobile/15E148"), "Apple Mail", "Phone"),
            (format!("{phone} CriOS/131.0 Mobile/15E148 Safari/604.1"), "Chrome", "Phone"),
            (
                "Mozilla/5.0 (iPad; CPU OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148".to_owned(),
                "Apple Mail",
                "Tablet",
            ),
            ("Mozilla/5.0 (Windows NT 10.0; rv:128.0) Gecko/20100101 Thunderbird/128.4.0".to_owned(), "Thunderbird", "Computer"),
            (
                "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; Microsoft Outlook 16.0; ms-office)".to_owned(),
                "Outlook",
                "Computer",
            ),
            ("Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 6.1; Tablet PC 2.0; ms-office)".to_owned(), "Outlook", "Computer"),
            ("Outlook-Android/2.0".to_owned(), "Outlook", "Phone"),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/131.0 Safari/537.36 Edg/131.0".to_owned(),
                "Edge",
                "Computer",
            ),
            (
                "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/131.0 Mobile Safari/537.36".to_owned(),
                "Chrome",
                "Phone",
            ),
            ("Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0".to_owned(), "Firefox", "Computer"),
            ("something else".to_owned(), "Other", "Other"),
            (String::new(), "Other", "Other"),
        ];
        for (agent, client, device) in table {
            assert_eq!(Reader::of(&agent), Reader { client, device }, "{agent}");
        }
    }
}
