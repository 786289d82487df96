//! The corpus: what must go, in the surroundings it is found in, and what must stay. Keys are made up while the test
//! runs, so that no file holds anything that looks like one.

use super::{redact, redact_argv, redact_json, sensitive};

const ALNUM: &[u8] = b"abcdefghijkmnopqrstuvwxyz23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
const HEX: &[u8] = b"0123456789abcdef";
const URL_SAFE: &[u8] = b"aB3_dE-fG7hI9jK_lM1nO-pQ5";

/// A body of that many characters, never twice the same, with digits in it.
fn body(alphabet: &[u8], length: usize, seed: usize) -> String {
    let mut state = 88_172_645_463_325_252_u64 ^ (seed as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        alphabet[usize::try_from(state % alphabet.len() as u64).unwrap()] as char
    };
    let mut text: String = (0..length).map(|_| next()).collect();
    // Neither begins nor ends with a sign, and has two digits.
    if length >= 4 {
        text.replace_range(0..2, "a7");
        text.replace_range(length - 2.., "4b");
    }
    text
}

/// Services and their keys, as their documentation shows them: over forty of the best known.
fn keys(seed: usize) -> Vec<(&'static str, String)> {
    let of = |prefix: &str, alphabet, length| {
        format!("{prefix}{}", body(alphabet, length, seed + prefix.len() * 31 + length))
    };
    let b = |alphabet, length: usize, n: usize| body(alphabet, length, seed * 7 + n);
    vec![
        ("1Password", of("ops_eyJ", ALNUM, 200)),
        ("age", of("AGE-SECRET-KEY-1", b"QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 58)),
        ("Airtable", format!("pat{}.{}", b(ALNUM, 14, 1), b(HEX, 64, 2))),
        ("Anthropic", of("sk-ant-api03-", URL_SAFE, 95)),
        ("Atlassian", of("ATATT3xFfGF0", ALNUM, 180)),
        ("AWS", of("AKIA", b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16).to_uppercase()),
        ("AWS temporary", of("ASIA", b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16).to_uppercase()),
        ("Azure", format!("{}8Q~{}", b(ALNUM, 3, 3), b(ALNUM, 34, 4))),
        ("Bitbucket", of("ATBB", ALNUM, 32)),
        ("Brevo", format!("xkeysib-{}-{}", b(HEX, 64, 5), b(ALNUM, 16, 6))),
        ("Contentful", of("CFPAT-", URL_SAFE, 43)),
        ("crates.io", of("cio", ALNUM, 32)),
        ("Databricks", of("dapi", HEX, 32)),
        ("DeepSeek", of("sk-", HEX, 32)),
        ("DigitalOcean", of("dop_v1_", HEX, 64)),
        ("Discord", format!("M{}.{}.{}", b(ALNUM, 25, 7), b(ALNUM, 6, 8), b(ALNUM, 38, 9))),
        ("Discord webhook", format!("discord.com/api/webhooks/{}/{}", b(b"0123456789", 18, 10), b(ALNUM, 68, 11))),
        ("Docker", of("dckr_pat_", URL_SAFE, 27)),
        ("Doppler", of("dp.pt.", ALNUM, 43)),
        ("Dropbox", of("sl.", URL_SAFE, 130)),
        ("Dynatrace", format!("dt0c01.{}.{}", b(ALNUM, 24, 12), b(ALNUM, 64, 13))),
        ("Facebook", of("EAA", ALNUM, 150)),
        ("Figma", of("figd_", URL_SAFE, 40)),
        ("Fireworks", of("fw_", ALNUM, 24)),
        ("Flutterwave", format!("FLWSECK-{}-X", b(HEX, 32, 14))),
        ("GitHub", of("ghp_", ALNUM, 36)),
        ("GitHub app", of("ghs_", ALNUM, 36)),
        ("GitHub fine-grained", of("github_pat_", ALNUM, 82)),
        ("GitLab", of("glpat-", URL_SAFE, 20)),
        ("Google", of("AIza", URL_SAFE, 35)),
        ("Google OAuth", of("GOCSPX-", URL_SAFE, 28)),
        ("Google access", of("ya29.", URL_SAFE, 160)),
        ("Grafana", of("glsa_", ALNUM, 41)),
        ("Groq", of("gsk_", ALNUM, 52)),
        ("Heroku", of("HRKU-", URL_SAFE, 36)),
        ("Hugging Face", of("hf_", ALNUM, 34)),
        ("Linear", of("lin_api_", ALNUM, 40)),
        ("Mailchimp", format!("{}-us14", b(HEX, 32, 15))),
        ("Mailgun", of("key-", HEX, 32)),
        ("Netlify", of("nfp_", ALNUM, 36)),
        ("New Relic", of("NRAK-", ALNUM, 27)),
        ("Notion", of("ntn_", ALNUM, 46)),
        ("Notion older", of("secret_", ALNUM, 43)),
        ("npm", of("npm_", ALNUM, 36)),
        ("NVIDIA", of("nvapi-", URL_SAFE, 64)),
        ("OpenAI", of("sk-proj-", URL_SAFE, 120)),
        ("OpenAI older", of("sk-", ALNUM, 48)),
        ("OpenRouter", of("sk-or-v1-", HEX, 64)),
        ("Perplexity", of("pplx-", ALNUM, 48)),
        ("PlanetScale", of("pscale_tkn_", URL_SAFE, 43)),
        ("Postman", format!("PMAK-{}-{}", b(HEX, 24, 16), b(HEX, 34, 17))),
        ("Pulumi", of("pul-", HEX, 40)),
        ("PyPI", of("pypi-AgEIcHlwaS5vcmc", URL_SAFE, 150)),
        ("Replicate", of("r8_", ALNUM, 37)),
        ("RubyGems", of("rubygems_", HEX, 48)),
        ("SendGrid", format!("SG.{}.{}", b(URL_SAFE, 22, 18), b(URL_SAFE, 43, 19))),
        ("Sentry", of("sntrys_", ALNUM, 100)),
        ("Shopify", of("shpat_", HEX, 32)),
        ("Slack bot", format!("xoxb-{}-{}", b(b"0123456789", 12, 20), b(ALNUM, 24, 21))),
        ("Slack app", of("xapp-1-", ALNUM, 90)),
        (
            "Slack webhook",
            format!("hooks.slack.com/services/T{}/B{}/{}", b(ALNUM, 9, 22), b(ALNUM, 9, 23), b(ALNUM, 24, 24)),
        ),
        ("Square", of("sq0atp-", URL_SAFE, 22)),
        ("Stripe", of("sk_live_", ALNUM, 24)),
        ("Stripe restricted", of("rk_live_", ALNUM, 24)),
        ("Stripe webhook", of("whsec_", ALNUM, 32)),
        ("Supabase", of("sbp_", HEX, 40)),
        ("Tailscale", format!("tskey-auth-{}-{}", b(ALNUM, 17, 25), b(ALNUM, 33, 26))),
        ("Telegram", format!("{}:AA{}", b(b"123456789", 10, 27).replace(['a', 'b'], "5"), b(URL_SAFE, 33, 28))),
        ("Together", of("tgp_v1_", URL_SAFE, 43)),
        ("Twilio", of("SK", HEX, 32)),
        ("Typeform", of("tfp_", ALNUM, 59)),
        ("Vault", of("hvs.", ALNUM, 90)),
        ("xAI", of("xai-", ALNUM, 80)),
        ("web token", format!("eyJ{}.eyJ{}.{}", b(ALNUM, 33, 29), b(ALNUM, 60, 30), b(URL_SAFE, 43, 31))),
    ]
}

/// Where keys are found.
const SURROUNDINGS: &[(&str, &str)] = &[
    ("", ""),
    ("export API=", "\n"),
    ("curl -H 'X-Whatever: ", "' https://api.example.com/v1"),
    ("{\"value\":\"", "\",\"n\":1}"),
    ("value: ", "\nnext: 1"),
    ("2026-11-20T10:00:00Z ERROR refused (", ") by upstream"),
    ("https://example.com/?x=", "&y=2"),
    ("The key is ", ", keep it."),
    ("\u{1b}[32m", "\u{1b}[0m"),
    ("{\"log\":\"a\\n", "\\nb\"}"),
    ("日本語 ", " ende"),
    ("[", "]"),
    ("--flag=", " --other"),
];

#[test]
fn keys_of_every_service_go_in_every_surrounding() {
    let mut tried = 0;
    for seed in 0..4 {
        for (service, key) in keys(seed) {
            for (before, after) in SURROUNDINGS {
                let text = format!("{before}{key}{after}");
                let clean = redact(&text);
                assert!(clean.contains("[redacted: "), "{service}: {text:?}");
                // Not even a piece that would help.
                let tail = &key[key.len() - 10..];
                assert!(!clean.contains(tail), "{service}: {text:?} left {clean:?}");
                assert!(clean.starts_with(before), "{service}: {clean:?} lost what stood before");
                assert!(clean.ends_with(after), "{service}: {clean:?} lost what came after");
                tried += 1;
            }
        }
    }
    assert!(tried > 40 * SURROUNDINGS.len());
}

/// A secret, by its name or place; `§` marks where it stands.
const PLACES: &[&str] = &[
    "password=§",
    "DB_PASSWORD=§ ./run",
    "export PGPASSWORD='§'",
    "MYSQL_PWD=§ mysql -u root",
    "\"password\": \"§\"",
    "{\\\"password\\\":\\\"§\\\"}",
    "'clientSecret': '§'",
    "client_secret = \"§\"",
    "  password: §",
    "apiKey: '§'",
    "X-Api-Key: §",
    "x-auth-token:§",
    "Authorization: Bearer §",
    "authorization: Basic §",
    "-H \"Authorization: Bearer §\"",
    "https://joe:§@git.example.com/x.git",
    "postgres://app:§@db:5432/main?sslmode=require",
    "redis://:§@cache:6379",
    "mongodb+srv://u:§@cluster0.example.net",
    "https://x.example.com/cb?access_token=§&state=1",
    "https://acct.blob.core.windows.net/c?sv=2024&sig=§&se=1",
    "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=§;EndpointSuffix=core.windows.net",
    "aws_secret_access_key = §",
    "AWS_SECRET_ACCESS_KEY=§",
    "\"SecretAccessKey\": \"§\",",
    "login --password § --user joe",
    "login --password=§",
    "tool --api-key § run",
    "tool --token '§'",
    "curl -u joe:§ https://example.com",
    "curl -ujoe:§ https://example.com",
    "sh -c 'mysql -p§ app'",
    "bash -c \"sshpass -p § ssh host\"",
    "sh -c 'redis-cli -a § ping'",
    "x=$(openssl enc -k § -in a)",
    "sh -c 'ldapsearch -w § -b x'",
    "sh -c 'cd x;unzip -P § a.zip'",
    "unzip -P § a.zip",
    "curl --user \"joe:§\" https://example.com",
    "sshpass -p § ssh host",
    "docker login -u joe -p § registry.example.com",
    "mysql -u root -p§ app",
    "mysqldump --password=§ app",
    "redis-cli -h cache -a § ping",
    "//npm.example.com/:_authToken=§",
    "machine example.com login joe password=§",
    "spring.datasource.password=§",
    "<add key=\"x\" password=\"§\" />",
    "Password: §",
    "ENV SECRET_TOKEN=§",
    "set_secret(token: \"§\")",
    "storage_account_key: §",
    "encryption-key=§",
];

#[test]
fn secrets_go_by_their_name_and_place() {
    for (n, place) in PLACES.iter().enumerate() {
        for secret in [body(ALNUM, 24, n), format!("Tr0ub4dor{}", body(ALNUM, 6, n)), body(ALNUM, 40, n + 99)] {
            let text = place.replace('§', &secret);
            let clean = redact(&text);
            assert!(!clean.contains(&secret), "{text:?} left {clean:?}");
            let (before, after) = place.split_once('§').unwrap();
            assert!(clean.starts_with(before) && clean.ends_with(after), "{text:?} became {clean:?}");
        }
    }
}

#[test]
fn private_keys_go_whole() {
    let line = body(ALNUM, 64, 5);
    for label in [
        "RSA PRIVATE KEY",
        "PRIVATE KEY",
        "OPENSSH PRIVATE KEY",
        "EC PRIVATE KEY",
        "ENCRYPTED PRIVATE KEY",
        "PGP PRIVATE KEY BLOCK",
    ] {
        for end in ["\n", "\r\n", "\\n"] {
            let key = format!("-----BEGIN {label}-----{end}{line}{end}{line}{end}-----END {label}-----");
            assert_eq!(redact(&format!("a {key} b")), "a [redacted: private key] b", "{label} {end:?}");
            let cut = format!("-----BEGIN {label}-----{end}{line}{end}{}", &line[..20]);
            assert_eq!(redact(&cut), "[redacted: private key]", "cut off: {label} {end:?}");
        }
    }
    let public = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----";
    assert_eq!(redact(public), public);
}

#[test]
fn addresses_and_card_numbers_go() {
    for address in ["jo@example.com", "first.last+tag@sub.example.co.uk", "x_y-z%1@example.museum"] {
        for (before, after) in
            [("", ""), ("<", ">"), ("mail ", ", please"), ("Author: A B <", ">\n"), ("\"", "\""), ("to ", ".")]
        {
            assert_eq!(redact(&format!("{before}{address}{after}")), format!("{before}[redacted: e-mail]{after}"));
        }
    }
    // The issuers' published test numbers.
    for number in [
        "4111111111111111",
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "5555555555554444",
        "2223003122003222",
        "378282246310005",
        "3782 822463 10005",
        "6011111111111117",
        "3530111333300000",
        "30569309025904",
    ] {
        for (before, after) in [("", ""), ("card ", " ok"), ("\"", "\""), ("n=", "&"), ("", ".")] {
            assert_eq!(redact(&format!("{before}{number}{after}")), format!("{before}[redacted: card number]{after}"));
        }
    }
}

/// What is no secret, although it looks like much.
const STAYS: &[&str] = &[
    "commit 3f786850e387550fdab836ed7e6dc881de23001b",
    "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "550e8400-e29b-41d4-a716-446655440000",
    "integrity sha512-9NET910DNaIPngYnLLPeg+Ogzqsi9uM4mSboU5y6p8S5DzMTVEsJZrawi+BoDNUVBa2DhJqQYUFvMDfgU062LQ==",
    "Compiling serde v1.0.229",
    "drwxr-xr-x 2 root root 4096 Nov 20 10:00 tokens",
    "max_tokens: 4096, total_tokens=12345678",
    "token count = 12345678",
    "password: String,",
    "let password: &str = prompt();",
    "pub token: Option<Token>,",
    "password = getpass.getpass()",
    "if password == expected {",
    "self.password = self.settings.password",
    "PASSWORD=$DB_PASSWORD",
    "password=${DB_PASSWORD}",
    "password: <your password>",
    "password: ********",
    "[sudo] password for joe: ",
    "Password:",
    "Enter passphrase for key '/home/joe/.ssh/id_ed25519': ",
    "tokio::sync::mpsc",
    "Basic understanding of things",
    "bearer of good news",
    "git clone git@github.com:rust-lang/rust.git",
    "scp joe@host.example.com:/tmp/x .",
    "ssh -p 22 joe@host.example.com uptime",
    "getty@tty1.service loaded active running",
    "user@1000.service",
    "npm install left-pad@1.3.0 @types/node@20.1.0",
    "http://localhost:8080/path?x=1",
    "https://joe@example.com/x",
    "pid 4111111111 port 8080",
    "1700000000000 1700000000000123 4000000000000000",
    "192.168.100.200:5432 2001:db8::1",
    "+49 151 23456789",
    "task-list-of-things sk-learn risk-averse",
    "keyboard: us, key: value, keys: 12",
    "monkey=banana keyword=for",
    "PWD=/home/joe/src OLDPWD=/home/joe",
    "SK8 pat.txt EAAccess hf_ ghp_ npm_config_registry",
    "cargo test -p pryx-terms --test x",
    "docker run -p 8080:80 nginx",
    "mkdir -p /srv/data && cp -p a b",
    "secret: true",
    "tls_secret: null",
    "Signed-off-by: A B",
    "0x7ffd1234 0xdeadbeefcafebabe",
];

#[test]
fn what_is_no_secret_stays() {
    let wrong: Vec<_> = STAYS.iter().filter(|text| redact(text) != **text).map(|text| redact(text)).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn twice_is_once() {
    let mut all: Vec<String> = keys(1).into_iter().map(|(_, key)| format!("token={key} {key}")).collect();
    all.extend(PLACES.iter().map(|place| place.replace('§', "hunter2hunter2")));
    all.push("a@example.com 4111111111111111".to_owned());
    for text in all {
        let once = redact(&text).into_owned();
        assert_eq!(redact(&once), once, "{text:?}");
    }
}

#[test]
fn arguments_are_taken_one_by_one() {
    let argv = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
    assert_eq!(
        redact_argv(&argv(&["tool", "--password", "correct horse", "--user", "joe", "--token=abc123abc123"])),
        argv(&["tool", "--password", "[redacted: password]", "--user", "joe", "--token=[redacted: key]"])
    );
}

#[test]
fn json_is_redacted_by_text_and_by_name() {
    let mut value = serde_json::json!({"a": ["mail jo@example.com"], "password": "x", "n": {"api_key": "abc", "k": 1, "token": null}});
    redact_json(&mut value);
    let clean = serde_json::json!({"a": ["mail [redacted: e-mail]"], "password": "[redacted: password]",
        "n": {"api_key": "[redacted: key]", "k": 1, "token": null}});
    assert_eq!(value, clean);
    redact_json(&mut value);
    assert_eq!(value, clean);
}

#[test]
fn any_text_is_taken_without_a_panic_and_in_order() {
    let pieces = [
        "ghp_",
        "password=",
        "://",
        "@",
        ":",
        "-----BEGIN ",
        "é",
        "日",
        "\u{1f600}",
        "4111",
        "\"",
        "\\\"",
        "-p",
        " ",
        "eyJ",
        "8Q~",
        "--token ",
    ];
    let mut state = 7_u64;
    for _ in 0..20_000 {
        let mut text = String::new();
        for _ in 0..12 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            text.push_str(pieces[usize::try_from(state >> 33).unwrap() % pieces.len()]);
        }
        let found = sensitive(&text);
        assert!(found.windows(2).all(|pair| pair[0].range.end <= pair[1].range.start), "{text:?}");
        let once = redact(&text).into_owned();
        assert!(once.len() <= text.len() + found.len() * 40);
    }
}

#[test]
fn cookies_are_taken_out_whole_and_prose_about_them_stays() {
    let header = "curl -H 'Cookie: session=abc; csrf=def' https://example.com";
    assert_eq!(redact(header), "curl -H 'Cookie: [redacted: cookie]' https://example.com");
    assert_eq!(redact(&redact(header)), redact(header));
    assert_eq!(redact("Cookie: a small cake"), "Cookie: a small cake");
}
