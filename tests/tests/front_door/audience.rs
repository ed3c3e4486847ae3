//! `/api/stats/audience`: who reads the mail, with what and when, and what became of the mail by name.

use std::time::{SystemTime, UNIX_EPOCH};

use front_door::delivery::event;
use front_door::{ApiClient, Mandrill};
use serde_json::{Value, json};
use stack::Stack;

#[tokio::test(flavor = "multi_thread")]
async fn the_audience_is_that_of_persons_and_links_tell_persons_from_machines() {
    let stack = Stack::start().expect("the stack should start");
    let admin = ApiClient::admin(&stack).await;
    let thunderbird = "Mozilla/5.0 (Windows NT 10.0; rv:128.0) Gecko/20100101 Thunderbird/128.4.0";
    let phone = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/131.0 Mobile Safari/537.36";
    let of = |kind: &str, number: usize, agent: &str, country: &str, link: &str| {
        let mut event = event(kind, &format!("{kind}{number}"));
        event["user_agent"] = json!(agent);
        event["ip"] = json!(format!("203.0.113.{number}"));
        event["location"] = json!({"country": country});
        event["url"] = json!(link);
        event["msg"]["tags"] = json!([if number < 2 { "early" } else { "late" }]);
        event
    };
    let events = [
        of("open", 1, thunderbird, "Spain", ""),
        of("open", 2, thunderbird, "Spain", ""),
        of("open", 3, phone, "Peru", ""),
        of("open", 4, "Mimecast", "Ruritania", ""),
        of(
            "open",
            5,
            "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
            "Ruritania",
            "",
        ),
        of("click", 6, phone, "Peru", "https://shop.example.com/a"),
        of("click", 7, "Mimecast", "Ruritania", "https://shop.example.com/a"),
        of("click", 8, "Mimecast", "Ruritania", "https://shop.example.com/b"),
        of("send", 9, thunderbird, "Spain", "https://shop.example.com/c"),
    ];
    assert_eq!(Mandrill::of(&stack).deliver(&events).await.json()["stored"], 9);
    let found = admin.get("/api/stats/audience").await.json();
    assert_eq!(found["opens"], 3);
    assert_eq!(found["clients"], json!([{"name": "Thunderbird", "count": 2}, {"name": "Chrome", "count": 1}]));
    assert_eq!(found["devices"], json!([{"name": "Computer", "count": 2}, {"name": "Phone", "count": 1}]));
    assert_eq!(found["countries"], json!([{"name": "Spain", "count": 2}, {"name": "Peru", "count": 1}]));
    let links = json!([
        {"url": "https://shop.example.com/a", "persons": 1, "machines": 1},
        {"url": "https://shop.example.com/b", "persons": 0, "machines": 1},
    ]);
    assert_eq!(found["links"], links);
    assert_eq!((&found["counted_from"], &found["too_many"]), (&Value::Null, &json!(false)));
    let early = admin.get("/api/stats/audience?tag=early").await.json();
    assert_eq!(early["clients"], json!([{"name": "Thunderbird", "count": 1}]));
    assert_eq!(early["links"], json!([]));
    assert_eq!(admin.get("/api/stats/audience?colour=red").await.problem(), (400, "bad_page".to_owned()));
}

#[tokio::test]
async fn mail_by_name_counts_a_message_once_and_follows_the_chosen_time() {
    let stack = Stack::start().expect("the stack should start");
    let admin = ApiClient::admin(&stack).await;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock should be past 1970").as_secs();
    let of = |kind: &str, id: &str, template: &str, days_ago: u64, agent: &str| {
        let mut event = event(kind, id);
        event["ts"] = json!(now - days_ago * 86_400 - 60);
        event["user_agent"] = json!(agent);
        event["ip"] = json!("203.0.113.9");
        event["msg"]["template"] = json!(template);
        event["msg"]["tags"] = json!([template]);
        event["msg"]["subaccount"] = json!(format!("{template}-desk"));
        event["msg"]["email"] = json!("ada@example.com");
        event
    };
    let (person, scanner) = ("Mozilla/5.0 (Windows NT 10.0; rv:128.0) Gecko/20100101 Thunderbird/128.4.0", "Mimecast");
    let events = [
        of("send", "m1", "news", 0, ""),
        of("send", "m2", "news", 0, ""),
        of("send", "m3", "news", 20, ""),
        of("delivered", "m1", "news", 0, ""),
        of("open", "m1", "news", 0, person),
        of("open", "m1", "news", 0, &format!("{person} again")),
        of("open", "m2", "news", 0, scanner),
        of("click", "m1", "news", 0, person),
        of("hard_bounce", "m4", "old", 20, ""),
        of("deferral", "m2", "news", 0, ""),
        of("spam", "m1", "news", 0, ""),
    ];
    let posted = Mandrill::of(&stack).deliver(&events).await.json();
    assert_eq!(posted["quarantined"], 0, "{posted}");
    let news = |sent: i64| json!({"name": "news", "sent": sent, "delivered": 1, "bounced": 0, "deferred": 1, "complained": 1, "opened": 1, "clicked": 1});
    let found = admin.get("/api/stats/audience").await.json();
    assert_eq!(found["templates"][0], news(3));
    assert_eq!(found["tags"][0], news(3));
    assert_eq!(found["templates"][1]["bounced"], 1);
    assert_eq!((&found["subaccounts"][0]["name"], &found["subaccounts"][0]["sent"]), (&json!("news-desk"), &json!(3)));
    assert_eq!((&found["domains"][0]["name"], &found["domains"][0]["sent"]), (&json!("example.com"), &json!(3)));
    // By the time of the events, those of twenty days ago are outside of the week.
    let found = admin.get("/api/stats/audience?time=occurred").await.json();
    assert_eq!(found["templates"], json!([news(2)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn opens_and_clicks_by_persons_are_counted_by_the_hour_of_a_zone() {
    let stack = Stack::start().expect("the stack should start");
    let admin = ApiClient::admin(&stack).await;
    // Two days before the present one, from 8 o'clock in UTC.
    let day = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock should be past 1970").as_secs() / 86_400 * 86_400
        - 2 * 86_400;
    let of = |kind: &str, id: &str, minute: u64, agent: &str| {
        let mut event = event(kind, id);
        event["ts"] = json!(day + 8 * 3_600 + minute * 60);
        event["user_agent"] = json!(agent);
        event["ip"] = json!("203.0.113.9");
        event
    };
    let (person, scanner) = ("Mozilla/5.0 (Windows NT 10.0; rv:128.0) Gecko/20100101 Thunderbird/128.4.0", "Mimecast");
    let proxy = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)";
    let events = [
        of("open", "m1", 59, person),
        of("open", "m1", 60, person),
        of("open", "m2", 119, proxy),
        of("open", "m3", 70, scanner),
        of("click", "m1", 120, person),
        of("send", "m1", 65, ""),
    ];
    let posted = Mandrill::of(&stack).deliver(&events).await.json();
    assert_eq!(posted["quarantined"], 0, "{posted}");
    let hour = |hour: u8, opens: u8, clicks: u8| json!({"hour": hour, "opens": opens, "clicks": clicks});
    let found = admin.get("/api/stats/audience?time=occurred").await.json();
    assert_eq!(found["hours"], json!([hour(8, 1, 0), hour(9, 2, 0), hour(10, 0, 1)]));
    // Clocks in Nepal are 5 hours and 45 minutes ahead.
    let found = admin.get("/api/stats/audience?time=occurred&zone=Asia/Kathmandu").await.json();
    assert_eq!(found["hours"], json!([hour(14, 2, 0), hour(15, 1, 1)]));
    assert_eq!(admin.get("/api/stats/audience?zone=nowhere").await.problem(), (400, "bad_page".to_owned()));
}
