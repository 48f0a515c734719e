//! What a client asks to be drawn. [`GenerateInput`] is what it sent; [`GenerationRequest`] is that, checked against
//! one model and with every default filled in: what a job holds and what a model is given.

mod values;

pub(crate) use values::is_forbidden_control;
pub use values::{GuidanceScale, OutputFormat, Priority, Prompt, Seed, Strength};

use super::{BlobId, Checker, FieldError, InvalidInput, ModelCard, ModelName, Parent, limits};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Names and values a client attaches to a job or an image, for its own use.
pub type Labels = BTreeMap<String, String>;

/// A picture the client uploaded to start from, by reference: its bytes are in the image store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SourceImage {
    /// Where its bytes are.
    pub image: BlobId,
    /// The mask, where the request has one: white is drawn anew.
    pub mask: Option<BlobId>,
    /// How far the result may leave it.
    pub strength: Strength,
}

/// What a client sent to `/generate`, in types wide enough that a bad value can be named. `None` is "not given".
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GenerateInput {
    /// What to draw; required.
    pub prompt: Option<String>,
    /// What not to draw.
    pub negative_prompt: Option<String>,
    /// Pixels across.
    pub width: Option<i64>,
    /// Pixels down.
    pub height: Option<i64>,
    /// Sampling steps.
    pub steps: Option<i64>,
    /// Strength of the prompt's pull.
    pub guidance_scale: Option<f64>,
    /// The seed of the first image; drawn if not given.
    pub seed: Option<i64>,
    /// How many images.
    pub count: Option<i64>,
    /// The model's name; the server's default if not given.
    pub model: Option<String>,
    /// The scheduler's name; the model's default if not given.
    pub scheduler: Option<String>,
    /// A picture to start from, as base64 or a data URL.
    pub init_image: Option<String>,
    /// How far the result may leave `init_image`.
    pub strength: Option<f64>,
    /// Which part of `init_image` to draw anew, as base64 or a data URL.
    pub mask_image: Option<String>,
    /// `png`, `jpeg` or `webp`.
    pub output_format: Option<String>,
    /// 0 to 9, the highest first.
    pub priority: Option<i64>,
    /// The most seconds the job may wait to start.
    pub deadline_s: Option<i64>,
    /// A URL to post the job's events to.
    pub webhook: Option<String>,
    /// The client's own names and values.
    pub labels: Option<Labels>,
    /// The saved image that the results come from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<Parent>,
    /// The fields that whoever read this could not read; they stand as "not given" above, and the request is refused.
    #[serde(skip)]
    pub unreadable: Vec<FieldError>,
}

/// The pictures of a [`GenerateInput`], once decoded and checked by the caller.
#[derive(Clone, Copy, Debug, Default)]
pub struct SourceInput {
    /// Address of `init_image`.
    pub image: Option<BlobId>,
    /// Address of `mask_image`.
    pub mask: Option<BlobId>,
}

/// A request that its model can do: every field checked, every default filled in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GenerationRequest {
    /// What to draw.
    pub prompt: Prompt,
    /// What not to draw.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub negative_prompt: Option<Prompt>,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Sampling steps.
    pub steps: u32,
    /// Strength of the prompt's pull.
    pub guidance_scale: GuidanceScale,
    /// The seed of the first image; the next ones count up from it.
    pub seed: Seed,
    /// How many images.
    pub count: u32,
    /// The model.
    pub model: ModelName,
    /// The scheduler.
    pub scheduler: String,
    /// The picture to start from.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub source: Option<SourceImage>,
    /// The encoding of the results.
    pub output_format: OutputFormat,
    /// Which of the owner's jobs goes first.
    pub priority: Priority,
    /// The most seconds the job may wait to start.
    pub deadline_s: u32,
    /// The client's own names and values.
    #[serde(skip_serializing_if = "Labels::is_empty", default)]
    pub labels: Labels,
    /// The saved image that the results come from.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub parent: Option<Parent>,
}

impl GenerationRequest {
    /// Checks `input` against `model` and fills in its defaults; `seed` is used where the input has none.
    ///
    /// # Errors
    /// Every field that is wrong, or that the model can't do, with what is allowed.
    pub fn resolve(
        input: &GenerateInput,
        sources: SourceInput,
        model: &ModelCard,
        seed: Seed,
    ) -> Result<Self, InvalidInput> {
        let mut check = input.checker();
        let common = Common::of(input, &mut check, seed);
        let negative_prompt = negative_prompt(&mut check, input, model);
        let width = check.take(model.width.pick("/width", input.width));
        let height = check.take(model.height.pick("/height", input.height));
        let steps = check.take(model.steps.pick("/steps", input.steps));
        let guidance = check.take(model.guidance_scale.pick("/guidance_scale", input.guidance_scale));
        let count = check.take(model.count.pick("/count", input.count));
        let scheduler = check.take(choose("/scheduler", input.scheduler.as_deref(), &model.schedulers));
        let formats: Vec<&str> = model.output_formats.iter().map(|format| format.name()).collect();
        let format_name = check.take(choose("/output_format", input.output_format.as_deref(), &formats));
        let output_format =
            format_name.and_then(|name| OutputFormat::ALL.into_iter().find(|format| format.name() == name));
        let source = source(&mut check, input, sources, model);
        let request = (|| {
            Some(Self {
                prompt: common.prompt?,
                negative_prompt,
                width: width?,
                height: height?,
                steps: steps?,
                guidance_scale: GuidanceScale(guidance?),
                seed: common.seed?,
                count: count?,
                model: model.name.clone(),
                scheduler: scheduler?,
                source,
                output_format: output_format?,
                priority: common.priority?,
                deadline_s: common.deadline_s?,
                labels: common.labels,
                parent: input.parent,
            })
        })();
        check.finish(request)
    }

    /// Notes what no model of any server could do, each field below `pointer`: for a request that comes from elsewhere.
    pub fn check(&self, check: &mut Checker, pointer: &str) {
        let ranges = [
            ("width", self.width, limits::SIDE_MAX),
            ("height", self.height, limits::SIDE_MAX),
            ("steps", self.steps, limits::STEPS_MAX),
            ("count", self.count, limits::COUNT_MAX),
            ("deadline_s", self.deadline_s, limits::DEADLINE_MAX_S),
        ];
        for (name, value, max) in ranges {
            if !(1..=max).contains(&value) {
                let detail = format!("is {value}; must be from 1 to {max}");
                check.refuse(format!("{pointer}/{name}"), "out_of_range", detail);
            }
        }
        let chars = self.scheduler.chars().count();
        if !(1..=limits::SCHEDULER_CHARS).contains(&chars) || self.scheduler.chars().any(char::is_control) {
            let detail = format!("has 1 to {} characters and no control characters", limits::SCHEDULER_CHARS);
            check.refuse(format!("{pointer}/scheduler"), "bad_name", detail);
        }
        check_labels(check, &format!("{pointer}/labels"), &self.labels);
    }
}

impl GenerateInput {
    /// What is wrong with it where there is no model to check it against: `reason`, what could not be read, and what
    /// no model could do.
    pub fn without_model(&self, reason: FieldError) -> InvalidInput {
        let mut check = self.checker();
        Common::of(self, &mut check, Seed(0));
        check.fail(reason)
    }

    /// A checker that knows what could not be read.
    fn checker(&self) -> Checker {
        let mut check = Checker::default();
        self.unreadable.iter().for_each(|error| check.note(error.clone()));
        check
    }
}

/// The fields that mean the same for every model; `None` where they are wrong.
struct Common {
    prompt: Option<Prompt>,
    seed: Option<Seed>,
    priority: Option<Priority>,
    deadline_s: Option<u32>,
    labels: Labels,
}

impl Common {
    fn of(input: &GenerateInput, check: &mut Checker, drawn: Seed) -> Self {
        let prompt = check.take(match &input.prompt {
            Some(text) => Prompt::parse("/prompt", text),
            None => Err(FieldError::new("/prompt", "required", "is required")),
        });
        let seed = match input.seed {
            None => Some(drawn),
            Some(value) => check.take(u32::try_from(value).map(Seed).map_err(|_| {
                let detail = format!("is {value}; must be from 0 to {}", limits::SEED_MAX);
                FieldError::new("/seed", "out_of_range", detail)
            })),
        };
        if input.webhook.is_some() {
            let detail = "this server sends no webhooks; subscribe to the job's events instead";
            check.refuse("/webhook", "unsupported", detail);
        }
        let labels = input.labels.clone().unwrap_or_default();
        check_labels(check, "/labels", &labels);
        let priority = priority(check, input.priority);
        let deadline_s = deadline(check, input.deadline_s);
        Self { prompt, seed, priority, deadline_s, labels }
    }
}

fn negative_prompt(check: &mut Checker, input: &GenerateInput, model: &ModelCard) -> Option<Prompt> {
    let text = input.negative_prompt.as_deref().map(str::trim).filter(|text| !text.is_empty())?;
    if !model.negative_prompt {
        let detail = format!("the model {} takes no negative prompt", model.name);
        check.refuse("/negative_prompt", "unsupported", detail);
        return None;
    }
    check.take(Prompt::parse("/negative_prompt", text))
}

fn source(
    check: &mut Checker,
    input: &GenerateInput,
    sources: SourceInput,
    model: &ModelCard,
) -> Option<SourceImage> {
    if input.init_image.is_some() && !model.init_image {
        let detail = format!("the model {} starts from noise only; leave it out", model.name);
        check.refuse("/init_image", "unsupported", detail);
    }
    if input.mask_image.is_some() && !model.mask_image {
        let detail = format!("the model {} takes no mask; leave it out", model.name);
        check.refuse("/mask_image", "unsupported", detail);
    }
    if input.init_image.is_none() && !check.has_refused("/init_image") {
        for (pointer, given) in
            [("/strength", input.strength.is_some()), ("/mask_image", input.mask_image.is_some())]
        {
            if given {
                check.refuse(pointer, "needs_init_image", "has a meaning only beside `init_image`");
            }
        }
    }
    let strength = Strength::try_from(input.strength.unwrap_or(0.8))
        .map_err(|_| FieldError::new("/strength", "out_of_range", "must be above 0 and at most 1"));
    let strength = check.take(strength)?;
    Some(SourceImage { image: sources.image?, mask: sources.mask, strength })
}

fn priority(check: &mut Checker, value: Option<i64>) -> Option<Priority> {
    let Some(value) = value else { return Some(Priority::default()) };
    let priority = u8::try_from(value).ok().and_then(|value| Priority::try_from(value).ok());
    if priority.is_none() {
        let detail = format!("is {value}; must be from 0 to {}", limits::PRIORITY_MAX);
        check.refuse("/priority", "out_of_range", detail);
    }
    priority
}

fn deadline(check: &mut Checker, value: Option<i64>) -> Option<u32> {
    let Some(value) = value else { return Some(limits::DEADLINE_DEFAULT_S) };
    let seconds = u32::try_from(value).ok().filter(|s| (1..=limits::DEADLINE_MAX_S).contains(s));
    if seconds.is_none() {
        let detail = format!("is {value}; must be from 1 to {} seconds", limits::DEADLINE_MAX_S);
        check.refuse("/deadline_s", "out_of_range", detail);
    }
    seconds
}

/// The chosen name, or the first where none was given.
fn choose<S: AsRef<str>>(
    pointer: &'static str,
    name: Option<&str>,
    allowed: &[S],
) -> Result<String, FieldError> {
    let names = || allowed.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(", ");
    let chosen = match name {
        None => allowed.first(),
        Some(name) => allowed.iter().find(|allowed| allowed.as_ref() == name),
    };
    chosen
        .map(|name| name.as_ref().to_owned())
        .ok_or_else(|| FieldError::new(pointer, "unsupported", format!("must be one of: {}", names())))
}

/// Refuses labels over the limits, each by its own pointer.
pub(crate) fn check_labels(check: &mut Checker, pointer: &str, labels: &Labels) {
    if labels.len() > limits::LABELS_MAX {
        let detail = format!("has {} labels; at most {} are allowed", labels.len(), limits::LABELS_MAX);
        check.refuse(pointer, "too_many", detail);
        return;
    }
    for (name, value) in labels {
        let fits = (1..=limits::LABEL_NAME_CHARS).contains(&name.chars().count())
            && value.chars().count() <= limits::LABEL_VALUE_CHARS
            && !name.chars().chain(value.chars()).any(is_forbidden_control);
        if !fits {
            let detail = format!(
                "names have 1 to {} characters, values up to {}, neither with control characters",
                limits::LABEL_NAME_CHARS,
                limits::LABEL_VALUE_CHARS
            );
            let escaped: String = name.chars().take(limits::LABEL_NAME_CHARS).collect();
            let escaped = escaped.replace('~', "~0").replace('/', "~1");
            check.refuse(format!("{pointer}/{escaped}"), "bad_label", detail);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(input: &GenerateInput) -> Result<GenerationRequest, InvalidInput> {
        GenerationRequest::resolve(input, SourceInput::default(), &ModelCard::example(), Seed(7))
    }

    fn pointers(input: &GenerateInput) -> Vec<String> {
        let error = resolve(input).unwrap_err();
        error.errors().iter().map(|error| error.pointer.clone()).collect()
    }

    fn red_heart() -> GenerateInput {
        GenerateInput { prompt: Some(" red heart\n".into()), ..GenerateInput::default() }
    }

    #[test]
    fn a_bare_prompt_gets_every_default_and_the_drawn_seed() {
        let request = resolve(&red_heart()).unwrap();
        assert_eq!(request.prompt.as_str(), "red heart");
        assert_eq!(request.seed, Seed(7));
        assert_eq!(request.steps, ModelCard::example().steps.default);
    }

    #[test]
    fn every_wrong_field_is_named_at_once() {
        let input = GenerateInput {
            prompt: Some("  ".into()),
            width: Some(-1),
            steps: Some(0),
            guidance_scale: Some(f64::NAN),
            seed: Some(1 << 32),
            priority: Some(10),
            deadline_s: Some(0),
            scheduler: Some("magic".into()),
            output_format: Some("svg".into()),
            ..GenerateInput::default()
        };
        assert_eq!(
            pointers(&input),
            [
                "/prompt",
                "/seed",
                "/priority",
                "/deadline_s",
                "/width",
                "/steps",
                "/guidance_scale",
                "/scheduler",
                "/output_format",
            ]
        );
    }

    #[test]
    fn what_could_not_be_read_is_named_with_what_is_out_of_range_and_once() {
        let unreadable = |pointer| FieldError::new(pointer, "wrong_type", "is no number");
        let input = GenerateInput {
            steps: Some(0),
            strength: Some(0.5),
            unreadable: vec![unreadable("/prompt"), unreadable("/init_image")],
            ..GenerateInput::default()
        };
        assert_eq!(pointers(&input), ["/prompt", "/init_image", "/steps"]);
    }

    #[test]
    fn without_a_model_what_no_model_could_do_is_named_beside_the_reason() {
        let input = GenerateInput { seed: Some(-1), width: Some(-1), ..red_heart() };
        let invalid = input.without_model(FieldError::new("/model", "unknown_model", "must be another"));
        let pointers: Vec<_> = invalid.errors().iter().map(|error| error.pointer.as_str()).collect();
        assert_eq!(pointers, ["/seed", "/model"]);
    }

    #[test]
    fn a_prompt_of_2001_characters_is_refused_and_2000_are_not() {
        let mut input = red_heart();
        input.prompt = Some("é".repeat(2_000));
        assert!(resolve(&input).is_ok());
        input.prompt = Some("é".repeat(2_001));
        assert_eq!(pointers(&input), ["/prompt"]);
    }

    #[test]
    fn an_init_image_is_refused_by_a_model_that_starts_from_noise() {
        let input = GenerateInput { init_image: Some("...".into()), ..red_heart() };
        let model = ModelCard { init_image: false, ..ModelCard::example() };
        let error = GenerationRequest::resolve(&input, SourceInput::default(), &model, Seed(7)).unwrap_err();
        assert_eq!(error.errors()[0].pointer, "/init_image");
    }

    #[test]
    fn a_seed_counts_up_and_round() {
        assert_eq!(Seed(u32::MAX).nth(2), Seed(1));
    }
}
