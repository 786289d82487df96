//! A request is made to fit the model that it goes to: room for the answer, no pictures for a model that can't see, no
//! tools for one that can't call them. What can't fit isn't sent.

use super::ModelRequest;
use super::error::{Kind, ProviderError};
use crate::catalog::ModelInfo;
use crate::message::Message;
use crate::model::{ModelSpec, ProviderConfig};
use std::sync::Arc;

/// Most tokens of one answer, thinking included, whatever more a model could give: an endless one would be paid for to
/// its end, and budgets reserve so much before each request.
const MAX_ANSWER: u64 = 32_768;

/// The same where the model's own limit isn't known. Every model of the last two years can give so many.
pub(super) const USUAL_ANSWER: u64 = 16_384;

/// Fewer tokens than this are no answer: a request that leaves less is refused here.
const MIN_ANSWER: u64 = 256;

/// The part of a window that an answer may take: the first guesses of a session may be far off, and a request with a long
/// answer would be refused for a few tokens.
const WINDOW_SHARE: u64 = 4;

/// What guesses may be too low by, in percent.
const MARGIN: u64 = 5;

/// Makes a request fit. Gives what the person should know about it.
///
/// # Errors
/// When it can't be made to fit.
pub(super) fn fit(
    request: &mut ModelRequest,
    model: &ModelSpec,
    info: &ModelInfo,
    provider: &ProviderConfig,
) -> Result<Option<(&'static str, String)>, ProviderError> {
    let refuse = |kind, message: String| Err(ProviderError::new(provider, kind, message));
    let can = info.abilities;
    if can.vision == Some(false) && request.messages.iter().any(Message::has_image) {
        let message = format!("{model} can't see pictures");
        let hint = "choose a model that can with --model, or leave --image out".to_owned();
        return Err(ProviderError { kind: Kind::BadRequest, message, hint: Some(hint) });
    }
    let wanted = request.answer;
    let most = info.output.map_or(USUAL_ANSWER, |output| output.min(MAX_ANSWER)).min(wanted.unwrap_or(MAX_ANSWER));
    let window = provider.limits.context.map(u64::from).or(info.context);
    request.answer = match window {
        None => info.output.or(wanted).map(|_| most),
        Some(window) => {
            let needed = request.guessed.saturating_add(request.guessed * MARGIN / 100);
            let left = window.saturating_sub(needed);
            // A guess that is only a little too high must not stop what would fit.
            if left < MIN_ANSWER && request.guessed.saturating_add(MIN_ANSWER) > window {
                let guessed = request.guessed;
                return refuse(Kind::TooLong, format!("{model} reads {window} tokens, and the request has {guessed}"));
            }
            Some(most.min(window / WINDOW_SHARE).min(left).max(MIN_ANSWER))
        }
    };
    if info.input.is_some_and(|input| request.guessed > input) {
        let guessed = request.guessed;
        return refuse(Kind::TooLong, format!("{model} takes fewer tokens than the {guessed} of the request"));
    }
    if can.tools == Some(false) && !request.tools.is_empty() {
        request.tools = Arc::default();
        return Ok(Some(("no_tools", format!("{model} can't call tools: it only answers"))));
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Abilities;
    use crate::message::Api;
    use crate::providers::fixtures::{config, request, rich_request};

    fn fitted(guessed: u64, info: &ModelInfo, limit: Option<u32>) -> Result<Option<u64>, Kind> {
        let mut provider = config(Api::OpenAiChat, "http://127.0.0.1:1");
        provider.limits.context = limit;
        let mut request = ModelRequest { guessed, ..request() };
        fit(&mut request, &"a/b".parse().unwrap(), info, &provider).map(|_| request.answer).map_err(|error| error.kind)
    }

    #[test]
    fn an_answer_fits_behind_its_request() {
        let info = ModelInfo { context: Some(32_000), output: Some(8_000), ..ModelInfo::default() };
        assert_eq!(fitted(1_000, &info, None), Ok(Some(8_000)));
        assert_eq!(fitted(28_000, &info, None), Ok(Some(2_600)));
        assert_eq!(fitted(31_700, &info, None), Ok(Some(MIN_ANSWER)));
        assert_eq!(fitted(31_900, &info, None), Err(Kind::TooLong));
        assert_eq!(fitted(28_000, &info, Some(16_000)), Err(Kind::TooLong), "what the settings say wins");
        let asks_little = ModelInfo { input: Some(20_000), ..info };
        assert_eq!(fitted(20_001, &asks_little, None), Err(Kind::TooLong));
    }

    #[test]
    fn what_is_not_known_limits_nothing() {
        assert_eq!(fitted(9_000_000, &ModelInfo::default(), None), Ok(None));
        let huge = ModelInfo { output: Some(1_000_000), ..ModelInfo::default() };
        assert_eq!(fitted(1, &huge, None), Ok(Some(MAX_ANSWER)));
        assert_eq!(fitted(1, &ModelInfo::default(), Some(100_000)), Ok(Some(USUAL_ANSWER)));
        assert_eq!(fitted(1, &ModelInfo::default(), Some(20_000)), Ok(Some(5_000)));
    }

    #[test]
    fn a_model_gets_nothing_that_it_cannot_take() {
        let without = |abilities| ModelInfo { abilities, ..ModelInfo::default() };
        let provider = config(Api::OpenAiChat, "http://127.0.0.1:1");
        let (spec, unknown) = ("a/b".parse().unwrap(), Abilities::default());
        let blind = without(Abilities { vision: Some(false), ..unknown });
        let mut rich = rich_request(Api::OpenAiChat);
        let error = fit(&mut rich, &spec, &blind, &provider).unwrap_err();
        assert!(error.hint.is_some_and(|hint| hint.contains("--image")));
        assert!(fit(&mut request(), &spec, &blind, &provider).is_ok());
        let idle = without(Abilities { tools: Some(false), ..unknown });
        let notice = fit(&mut rich, &spec, &idle, &provider).unwrap();
        assert!(notice.is_some_and(|(code, _)| code == "no_tools") && rich.tools.is_empty());
    }
}
