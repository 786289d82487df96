//! A request is made to fit the model that it goes to: room for the answer, no pictures for a model that can't see, no
//! tools for one that can't call them. What can't fit isn't sent.

use super::ModelRequest;
use super::error::{Kind, ProviderError};
use super::thinking::{SPOKEN, Thinker, remark, tokens};
use crate::catalog::ModelInfo;
use crate::message::Message;
use crate::model::{ModelSpec, ProviderConfig};
use crate::think::Think;
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

/// What a model that reasons may need before an answer that is to be short: the limit holds for both together, and one
/// that is used up by thinking leaves no answer at all.
const UNASKED_THINKING: u64 = 4_096;

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
) -> Result<Vec<(&'static str, String)>, ProviderError> {
    let refuse = |kind, message: String| Err(ProviderError::new(provider, kind, message));
    let can = info.abilities;
    if can.vision == Some(false) && request.messages.iter().any(Message::has_image) {
        let message = format!("{model} can't see pictures");
        let hint = "choose a model that can with --model, or leave --image out".to_owned();
        return Err(ProviderError { kind: Kind::BadRequest, message, hint: Some(hint) });
    }
    let short = request.answer.is_some();
    let spare = if can.reasoning == Some(true) { UNASKED_THINKING } else { 0 };
    let wanted = request.answer.map(|wanted| wanted.saturating_add(spare));
    let longest = request.think.map_or(MAX_ANSWER, |think| MAX_ANSWER.max(tokens(think).saturating_add(SPOKEN)));
    let most = info.output.map_or(USUAL_ANSWER, |output| output.min(longest)).min(wanted.unwrap_or(longest));
    let window = provider.limits.context.map(u64::from).or(info.context);
    request.answer = match window {
        // A number of tokens to think is one below the length of the answer, so that there must be one.
        None => info.output.or(wanted).or(request.think.map(tokens)).map(|_| most),
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
    let mut notices = Vec::new();
    if can.tools == Some(false) && !request.tools.is_empty() {
        request.tools = Arc::default();
        notices.push(("no_tools", format!("{model} can't call tools: it only answers")));
    }
    let thinker = Thinker { api: provider.api, model: &model.model, info };
    match request.think {
        // A short answer is no matter to think about, where it's known how to say so.
        None if short && thinker.is_known() => request.thoughts = thinker.thoughts(Think::Off, request.answer),
        None => {}
        Some(think) => {
            request.thoughts = thinker.thoughts(think, request.answer);
            let remark = remark(think, &request.thoughts, can.reasoning);
            notices.extend(remark.map(|words| ("thinking_changed", format!("{model} {words}"))));
        }
    }
    Ok(notices)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Abilities, Thinking};
    use crate::message::Api;
    use crate::providers::fixtures::{config, request, rich_request};
    use crate::providers::thinking::Thought;

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
        assert!(notice.iter().any(|(code, _)| *code == "no_tools") && rich.tools.is_empty());
    }

    #[test]
    fn thinking_fits_before_an_answer() {
        let (spec, provider) = ("a/b".parse().unwrap(), config(Api::AnthropicMessages, "http://127.0.0.1:1"));
        let fitted = |think, answer, info: &ModelInfo| {
            let mut request = ModelRequest { think, answer, ..request() };
            let notices = fit(&mut request, &spec, info, &provider).unwrap();
            (request.answer, request.thoughts, notices.len())
        };
        let budget = Thinking { budget: Some((1_024, Some(60_000))), efforts: Vec::new() };
        let model = ModelInfo { output: Some(64_000), thinking: budget, ..ModelInfo::default() };
        assert_eq!(fitted(None, None, &model), (Some(MAX_ANSWER), vec![], 0), "unasked, nothing is said about it");
        assert_eq!(
            fitted(Some(Think::Tokens(40_000)), None, &model),
            (Some(48_192), vec![Thought::Budget(40_000)], 0),
            "a longer answer for longer thinking"
        );
        let small = ModelInfo { output: Some(1_200), ..model.clone() };
        assert_eq!(fitted(Some(Think::High), None, &small), (Some(1_200), vec![], 1), "too small, and told");
        let nothing = ModelInfo::default();
        let (answer, thoughts, _) = fitted(Some(Think::High), None, &nothing);
        assert_eq!((answer, &thoughts[1]), (Some(USUAL_ANSWER), &Thought::Budget(12_288)));
        // A summary of a model that reasons keeps its words.
        let abilities = Abilities { reasoning: Some(true), ..Abilities::default() };
        let reasons = ModelInfo { abilities, ..model };
        assert_eq!(fitted(None, Some(1_500), &reasons), (Some(1_500 + UNASKED_THINKING), vec![], 0));
    }
}
