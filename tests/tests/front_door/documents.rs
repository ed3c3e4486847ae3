//! The documentation is accurate: `--help` and docs/configuration.md describe every variable, and all links and file names exist.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use stack::{Stack, paths};

/// The variables listed in a service's `--help`.
fn variables(program: &str) -> BTreeSet<String> {
    let mut command = Stack::program(program).expect("the service should be built");
    let output = command.arg("--help").output().expect("the command should run");
    assert!(output.status.success());
    let help = String::from_utf8(output.stdout).expect("the output should be UTF-8");
    let (_, listed) = help.split_once("Variables:\n").expect("--help should list the variables");
    let names = listed.lines().filter_map(|line| line.strip_prefix("  ")).filter(|line| !line.starts_with(' '));
    names.map(str::to_owned).collect()
}

#[test]
fn help_and_documentation_name_every_variable() {
    let (ingest, notifier) = (variables("ingest"), variables("notifier"));
    assert!(ingest.len() >= 15 && notifier.len() >= 9, "{ingest:?} {notifier:?}");
    let documented = fs::read_to_string(paths::project().join("docs/configuration.md")).expect("the document");
    for name in ingest.union(&notifier) {
        assert!(documented.contains(&format!("| `{name}` |")), "docs/configuration.md does not describe {name}");
    }
    let rows = documented.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`')).map(|(name, _)| name.to_owned());
    let services: BTreeSet<String> = rows.take_while(|name| name != "PORT").collect();
    assert_eq!(
        &services,
        &ingest.union(&notifier).cloned().collect(),
        "the table of the services in docs/configuration.md holds these and no others"
    );
}

/// Parses `48m` or `16k`.
fn megabytes(size: &str) -> f64 {
    let (number, unit) = size.split_at(size.len() - 1);
    let number: f64 = number.parse().expect("the size should be a number");
    if unit == "k" { number / 1024.0 } else { number }
}

#[test]
fn the_bodies_of_one_address_fit_into_the_spool() {
    let read = |path: &str| fs::read_to_string(paths::project().join(path)).expect("the file should be readable");
    let (template, compose) = (read("deploy/nginx/nginx.conf.template"), read("docker-compose.yml"));
    let spool = compose.split_once("WEBHOOK_SPOOL:-").and_then(|(_, rest)| rest.split_once('}')).expect("a default").0;
    assert!(compose.contains("tmpfs: [\"/tmp:size=1g\"]"), "the spool has 1 GiB");
    let value = |text: &str, name: &str| {
        let (_, rest) = text.split_once(&format!(" {name} "))?;
        Some(rest.split_once(';')?.0.replace("${WEBHOOK_SPOOL}", spool))
    };
    let (before, locations) = template.split_once("\n        location ").expect("the template should have locations");
    let in_memory = megabytes(&value(before, "client_body_buffer_size").expect("a buffer size"));
    let usual = value(before, "client_max_body_size").expect("a usual limit");
    let mut total = 0.0;
    for location in locations.split("\n        location ").filter(|location| location.contains("proxy_pass")) {
        let size = megabytes(&value(location, "client_max_body_size").unwrap_or_else(|| usual.clone()));
        let limits = location.split(" limit_conn ").skip(1).map(|rest| rest.split_once(';').expect("a limit should end").0);
        let limits: Vec<(&str, f64)> = limits
            .filter_map(|limit| limit.split_once(' '))
            .map(|(zone, count)| (zone, count.parse().expect("the limit should be a number")))
            .collect();
        // A zone of large bodies limits those of a megabyte or more; every other zone also admits smaller ones only.
        let has_large = limits.iter().any(|(zone, _)| zone.starts_with("large_"));
        assert!(size <= in_memory || (!limits.is_empty() && (size <= 1.0 || has_large)), "no limit: {location}");
        total +=
            limits.iter().map(|(zone, count)| count * if zone.starts_with("large_") { size } else { size.min(1.0) }).sum::<f64>();
    }
    assert!(total > 0.0 && total < 1024.0, "{total} MiB");
    assert!(template.contains("proxy_max_temp_file_size 0;"), "responses should not be spooled");
}

#[test]
fn invalid_settings_exit_with_64_and_name_the_variable() {
    let table = [
        ("WEBHOOK_KEYS", "test-webhook", "the same for every account"),
        ("PUBLIC_ORIGINS", "https://*", "is not an origin"),
        ("LISTEN", "nowhere", "LISTEN"),
    ];
    for (name, value, message) in table {
        let mut command = Stack::program("ingest").expect("the service should be built");
        let output = command
            .arg("serve")
            .env("DATABASE_URL", "postgres://u@127.0.0.1/x")
            .env(name, value)
            .output()
            .expect("the command should run");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(64), "{stderr}");
        assert!(stderr.contains(message) || stderr.contains("--listen"), "{stderr}");
    }
}

#[test]
fn the_dockerfile_copies_everything_cargo_needs() {
    let project = paths::project();
    let file = fs::read_to_string(project.join("deploy/services.Dockerfile")).expect("the file should be readable");
    let (build, _) = file.split_once("\nRUN cargo build").expect("the file should contain RUN cargo build");
    let copied = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("images-{}", std::process::id()));
    fs::create_dir_all(&copied).expect("the folder should be created");
    for line in build.lines().filter_map(|line| line.strip_prefix("COPY ")) {
        let mut paths: Vec<&str> = line.split_whitespace().collect();
        let to = copied.join(paths.pop().expect("COPY should have a destination"));
        for path in paths {
            fs::create_dir_all(to.parent().expect("the path should have a parent")).expect("the folder should be created");
            let status = Command::new("cp").arg("-r").arg(project.join(path)).arg(&to).status().expect("cp should run");
            assert!(status.success(), "{line}");
        }
    }
    let mut cargo = Command::new(env!("CARGO"));
    let output = cargo.args(["metadata", "--no-deps", "--offline", "--locked", "--format-version=1"]).current_dir(&copied);
    let output = output.output().expect("cargo should run");
    fs::remove_dir_all(&copied).expect("the folder should be removed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The paths of all documents, relative to the project: those listed here and every Markdown file in docs/.
fn documents(project: &Path) -> Vec<PathBuf> {
    let named = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "migrations/README.md"];
    let mut documents: Vec<PathBuf> = named.iter().map(PathBuf::from).collect();
    let mut folders = vec![PathBuf::from("docs")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(project.join(&folder)).expect("a folder") {
            let entry = entry.expect("an entry");
            let path = folder.join(entry.file_name());
            if entry.file_type().expect("its type").is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                documents.push(path);
            }
        }
    }
    documents
}

#[test]
fn documents_refer_only_to_existing_files_and_headings() {
    let project = paths::project().canonicalize().expect("the project");
    let documents = documents(&project);
    assert!(documents.len() > 50, "docs/ and its decisions should be among {documents:?}");
    for document in documents {
        let file = project.join(&document);
        let folder = file.parent().expect("a folder");
        let text = fs::read_to_string(&file).expect("the document");
        let document = document.display();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link) {
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            if path.contains("://") {
                continue;
            }
            // A link is relative to the directory of its document; an anchor without a path refers to the document itself.
            let target = if path.is_empty() { file.clone() } else { folder.join(path) };
            let inside = target.canonicalize().is_ok_and(|target| target.starts_with(&project));
            assert!(inside, "{document} links to {link}, which does not exist");
            if !anchor.is_empty() {
                let target = fs::read_to_string(&target).expect("a document");
                let headings = target.lines().filter(|line| line.starts_with('#'));
                let mut anchors = headings.map(|line| anchor_of(line.trim_start_matches('#')));
                assert!(anchors.any(|heading| heading == anchor), "{document} links to {link}, a heading that does not exist");
            }
        }
        for named in text.split('`').skip(1).step_by(2).filter(|name| name.contains(".rs") && name.contains('/')) {
            let path = named.split("::").next().unwrap_or_default();
            assert!(project.join(path).exists(), "{document} mentions {named}, which does not exist");
        }
    }
}

/// The anchor that GitHub generates for a heading.
fn anchor_of(heading: &str) -> String {
    let kept = heading.trim().chars().filter(|letter| letter.is_alphanumeric() || [' ', '-', '_'].contains(letter));
    kept.flat_map(char::to_lowercase).map(|letter| if letter == ' ' { '-' } else { letter }).collect()
}
