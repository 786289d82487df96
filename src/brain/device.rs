//! Logging in without typing a key: the device authorization grant (RFC 8628). A person opens an address in any browser, on
//! this machine or a telephone, types a short code, and the token comes here.

use crate::clean::line;
use crate::web::{self, Get};
use pryx_terms::Secret;
use serde::Deserialize;
use std::time::Duration;

/// How long one request may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// Most bytes of an answer.
const MAX_ANSWER: usize = 64 * 1024;

/// Longest text of a server that is shown.
const MAX_SHOWN: usize = 300;

/// How often is asked when the server says nothing (RFC 8628, section 3.2), and by how much longer it is waited when it
/// wants that (section 3.5).
const STEP: Duration = Duration::from_secs(5);

/// The longest pause between two questions: a server that wants more would make the person wait for nothing.
const LONGEST: Duration = Duration::from_secs(60);

/// The longest that a code is waited for, whatever the server says.
const MAX_WAIT: Duration = Duration::from_secs(60 * 60);

/// The grant's name.
const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// Where to log in.
#[derive(Debug, Clone)]
pub struct DeviceLogin {
    /// The device authorization endpoint.
    pub device_url: String,
    /// The token endpoint.
    pub token_url: String,
    /// Who asks, as the server knows it.
    pub client_id: String,
    /// What for.
    pub scope: Option<String>,
}

/// What a person has to do.
#[derive(Debug)]
pub struct DeviceCode {
    /// The code they type.
    pub user_code: String,
    /// Where.
    pub address: String,
    /// The same with the code in it, for a telephone's camera.
    pub complete: Option<String>,
    /// How long they have.
    pub expires: Duration,
    device_code: Secret,
    interval: Duration,
}

/// A token.
#[derive(Debug)]
pub struct Token {
    /// What is sent as the key.
    pub access: Secret,
    /// What gets the next one without a person, if the server gives it out.
    pub refresh: Option<Secret>,
    /// How long it is good for, if the server says so.
    pub expires: Option<Duration>,
}

/// Why nobody is logged in.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// The person said no.
    #[error("the login was declined")]
    Declined,
    /// The person was too slow.
    #[error("the login has expired")]
    Expired,
    /// The server can't be used.
    #[error("{url} can't be used to log in: {why}")]
    Server {
        /// Which.
        url: String,
        /// Why.
        why: String,
    },
}

#[derive(Deserialize)]
struct Authorization {
    device_code: String,
    user_code: String,
    verification_uri: String,
    verification_uri_complete: Option<String>,
    expires_in: u64,
    interval: Option<u64>,
}

#[derive(Deserialize)]
struct Answer {
    access_token: Option<String>,
    refresh_token: Option<String>,
    expires_in: Option<u64>,
    error: Option<String>,
    error_description: Option<String>,
}

impl DeviceLogin {
    /// Asks for a code.
    ///
    /// # Errors
    /// When the server gives none.
    pub async fn begin(&self) -> Result<DeviceCode, LoginError> {
        let mut form = vec![("client_id", self.client_id.as_str())];
        form.extend(self.scope.as_deref().map(|scope| ("scope", scope)));
        let url = &self.device_url;
        let body = self.post(url, &form).await?;
        let code: Authorization = serde_json::from_slice(&body).map_err(|_| refused(url, &body))?;
        // A person is to open it, and a terminal to show it.
        if !code.verification_uri.starts_with("https://") && !code.verification_uri.starts_with("http://") {
            return Err(LoginError::Server { url: url.clone(), why: "it names no address to open".to_owned() });
        }
        Ok(DeviceCode {
            user_code: line(&code.user_code, MAX_SHOWN),
            address: line(&code.verification_uri, MAX_SHOWN),
            complete: code
                .verification_uri_complete
                .filter(|uri| uri.starts_with("http"))
                .map(|uri| line(&uri, MAX_SHOWN)),
            expires: Duration::from_secs(code.expires_in).min(MAX_WAIT),
            device_code: Secret::new(code.device_code),
            interval: code.interval.map_or(STEP, Duration::from_secs).min(LONGEST),
        })
    }

    /// Waits until the person has logged in.
    ///
    /// # Errors
    /// When they decline, are too slow, or the server fails.
    pub async fn wait(&self, code: &DeviceCode) -> Result<Token, LoginError> {
        let asking = self.ask_until_told(code);
        tokio::time::timeout(code.expires, asking).await.unwrap_or(Err(LoginError::Expired))
    }

    async fn ask_until_told(&self, code: &DeviceCode) -> Result<Token, LoginError> {
        let (url, mut pause) = (&self.token_url, code.interval);
        let form =
            [("grant_type", GRANT), ("device_code", code.device_code.expose()), ("client_id", self.client_id.as_str())];
        loop {
            // RFC 8628 has no other way than to ask again, and the server says how often.
            tokio::time::sleep(pause).await;
            let body = match self.post(url, &form).await {
                Ok(body) => body,
                // A lost connection is no answer; section 3.5 asks for a longer pause.
                Err(LoginError::Server { .. }) if pause < LONGEST => {
                    pause = (pause * 2).clamp(Duration::from_millis(100), LONGEST);
                    continue;
                }
                Err(error) => return Err(error),
            };
            let answer: Answer = serde_json::from_slice(&body).map_err(|_| refused(url, &body))?;
            match answer.error.as_deref() {
                Some("authorization_pending") => {}
                Some("slow_down") => pause = (pause + STEP).min(LONGEST),
                Some("access_denied") => return Err(LoginError::Declined),
                Some("expired_token") => return Err(LoginError::Expired),
                _ => return answer.token(url),
            }
        }
    }

    /// The next token, without a person (RFC 6749, section 6).
    ///
    /// # Errors
    /// When the server gives none; [`LoginError::Expired`] when a person has to log in again.
    pub async fn refresh(&self, refresh: &Secret) -> Result<Token, LoginError> {
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh.expose()),
            ("client_id", self.client_id.as_str()),
        ];
        let url = &self.token_url;
        let body = self.post(url, &form).await?;
        let answer: Answer = serde_json::from_slice(&body).map_err(|_| refused(url, &body))?;
        if answer.error.as_deref() == Some("invalid_grant") {
            return Err(LoginError::Expired);
        }
        let token = answer.token(url)?;
        // A server that gives out no other one means that the old one still serves.
        Ok(Token { refresh: token.refresh.or_else(|| Some(refresh.clone())), ..token })
    }

    async fn post(&self, url: &str, form: &[(&str, &str)]) -> Result<Vec<u8>, LoginError> {
        let headers = [("accept", "application/json".to_owned())];
        let get = Get { url, headers: &headers, form: Some(form), limit: PATIENCE, most: MAX_ANSWER };
        match web::get(get).await {
            Ok(got) => Ok(got.body),
            Err(error) => Err(LoginError::Server { url: url.to_owned(), why: error.to_string() }),
        }
    }
}

impl Answer {
    fn token(self, url: &str) -> Result<Token, LoginError> {
        if let Some(access) = self.access_token.filter(|_| self.error.is_none()) {
            return Ok(Token {
                access: Secret::new(access),
                refresh: self.refresh_token.map(Secret::new),
                expires: self.expires_in.map(Duration::from_secs),
            });
        }
        let words = self.error_description.or(self.error);
        let words = words.as_deref().unwrap_or("it gives neither token nor reason");
        Err(LoginError::Server { url: url.to_owned(), why: line(words, MAX_SHOWN) })
    }
}

/// What was answered instead; never the answer itself, which may hold a token.
fn refused(url: &str, body: &[u8]) -> LoginError {
    let said = serde_json::from_slice::<Answer>(body).ok().and_then(|answer| answer.error_description.or(answer.error));
    let why = said
        .map_or_else(|| "it answered something else than a login server does".to_owned(), |why| line(&why, MAX_SHOWN));
    LoginError::Server { url: url.to_owned(), why }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::stub::{Say, Server, json};

    const CODE: &str = r#"{"device_code": "dev-secret", "user_code": "ABCD-1234", "verification_uri": "https://x/d",
        "verification_uri_complete": "https://x/d?c=ABCD-1234", "expires_in": 20, "interval": 0}"#;

    fn login(server: &Server) -> DeviceLogin {
        let url = |path: &str| format!("{}{path}", server.address);
        DeviceLogin {
            device_url: url("/device"),
            token_url: url("/token"),
            client_id: "pryx-test".to_owned(),
            scope: Some("models read".to_owned()),
        }
    }

    async fn tried(answers: Vec<Say>) -> (Result<Token, LoginError>, Vec<String>) {
        let server = Server::start([vec![json("200 OK", CODE)], answers].concat());
        let login = login(&server);
        let code = login.begin().await.unwrap();
        assert_eq!((code.user_code.as_str(), code.complete.as_deref()), ("ABCD-1234", Some("https://x/d?c=ABCD-1234")));
        (login.wait(&code).await, server.requests())
    }

    fn error(code: &str) -> Say {
        json("400 Bad Request", &format!(r#"{{"error": "{code}"}}"#))
    }

    #[tokio::test]
    async fn the_token_comes_when_the_person_is_through() {
        let token = json("200 OK", r#"{"access_token": "tok", "token_type": "bearer", "expires_in": 3600}"#);
        let (token, requests) =
            tried(vec![error("authorization_pending"), error("authorization_pending"), token]).await;
        let token = token.unwrap();
        assert_eq!((token.access.expose(), token.expires), ("tok", Some(Duration::from_secs(3600))));
        assert!(requests[0].contains("client_id=pryx-test&scope=models+read"), "{}", requests[0]);
        assert!(requests[3].contains("device_code=dev-secret") && requests[3].contains("grant-type%3Adevice_code"));
    }

    #[tokio::test]
    async fn an_expired_token_is_renewed_without_a_person() {
        let renewed = r#"{"access_token": "two", "expires_in": 60}"#;
        let rotated = r#"{"access_token": "three", "refresh_token": "r2"}"#;
        let ended = r#"{"error": "invalid_grant", "error_description": "revoked"}"#;
        let server = Server::start(vec![
            json("200 OK", renewed),
            json("200 OK", rotated),
            json("400 Bad Request", ended),
            json("500 Oops", "oops"),
        ]);
        let (login, old) = (login(&server), Secret::new("r1".into()));
        let token = login.refresh(&old).await.unwrap();
        assert_eq!((token.access.expose(), token.refresh.as_ref()), ("two", Some(&old)), "the old one still serves");
        assert_eq!(login.refresh(&old).await.unwrap().refresh.unwrap().expose(), "r2");
        assert!(matches!(login.refresh(&old).await, Err(LoginError::Expired)));
        assert!(matches!(login.refresh(&old).await, Err(LoginError::Server { .. })));
        let sent = &server.requests()[0];
        assert!(sent.contains("grant_type=refresh_token&refresh_token=r1&client_id=pryx-test"), "{sent}");
    }

    #[tokio::test]
    async fn every_end_has_its_words() {
        assert!(matches!(tried(vec![error("access_denied")]).await.0, Err(LoginError::Declined)));
        assert!(matches!(tried(vec![error("expired_token")]).await.0, Err(LoginError::Expired)));
        let words = tried(vec![error("invalid_client")]).await.0.unwrap_err().to_string();
        assert!(words.contains("invalid_client") && !words.contains("dev-secret"), "{words}");
        assert!(tried(vec![json("200 OK", "<html>")]).await.0.is_err());
    }

    #[tokio::test]
    async fn what_is_no_login_server_is_told() {
        let evil = CODE.replace("https://x/d\"", "javascript:x\"");
        for answer in [json("404 Not Found", "nothing"), json("200 OK", "{}"), json("200 OK", &evil)] {
            let server = Server::start(vec![answer]);
            assert!(login(&server).begin().await.is_err());
        }
    }
}
