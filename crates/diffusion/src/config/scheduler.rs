//! What a `scheduler_config.json` says of the training, and which sampler it prefers.

use super::Config;
use crate::error::EngineResult;
use serde_json::json;

/// How the noise grows over the training steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BetaSchedule {
    Linear,
    ScaledLinear,
    SquaredCosine,
}

/// What the UNet was trained to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Prediction {
    /// The noise.
    Epsilon,
    /// The velocity: `sqrt(a) * noise - sqrt(1 - a) * picture`.
    Velocity,
    /// The picture.
    Sample,
}

/// Which of the training steps are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spacing {
    Leading,
    Trailing,
    Linspace,
}

/// How one gets from step to step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sampler {
    Ddim,
    Euler,
}

impl Sampler {
    pub(crate) const ALL: [Self; 2] = [Self::Ddim, Self::Euler];

    /// Its name in requests.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ddim => "ddim",
            Self::Euler => "euler",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|sampler| sampler.name() == name)
    }
}

#[derive(Clone, Debug)]
pub(crate) struct SchedulerConfig {
    /// The sampler used where the request names none.
    pub(crate) sampler: Sampler,
    pub(crate) train_steps: usize,
    pub(crate) beta_start: f64,
    pub(crate) beta_end: f64,
    pub(crate) beta_schedule: BetaSchedule,
    pub(crate) prediction: Prediction,
    pub(crate) spacing: Spacing,
    pub(crate) steps_offset: usize,
    pub(crate) set_alpha_to_one: bool,
}

impl SchedulerConfig {
    pub(crate) fn read(config: &Config) -> EngineResult<Self> {
        config.only("trained_betas", &[])?;
        config.only("rescale_betas_zero_snr", &[json!(false)])?;
        let sampler = sampler(config)?;
        let default_spacing = match sampler {
            Sampler::Ddim => "leading",
            Sampler::Euler => "linspace",
        };
        Ok(Self {
            sampler,
            train_steps: config.size_or("num_train_timesteps", 1_000)?,
            beta_start: config.float("beta_start", 0.0001)?,
            beta_end: config.float("beta_end", 0.02)?,
            beta_schedule: beta_schedule(config)?,
            prediction: prediction(config)?,
            spacing: spacing(config, default_spacing)?,
            steps_offset: if config.float("steps_offset", 0.0)? > 0.0 {
                config.size("steps_offset")?
            } else {
                0
            },
            set_alpha_to_one: config.flag("set_alpha_to_one", true)?,
        })
    }
}

/// Samplers of the same diffusion process only differ in how they walk it, so the engine walks with its own where the
/// folder prefers one it lacks. Samplers of another process are refused.
fn sampler(config: &Config) -> EngineResult<Sampler> {
    match config.text("_class_name") {
        Some("DDIMScheduler" | "PNDMScheduler" | "DDPMScheduler" | "UniPCMultistepScheduler") => {
            Ok(Sampler::Ddim)
        }
        Some("DPMSolverMultistepScheduler" | "DPMSolverSinglestepScheduler" | "DEISMultistepScheduler") => {
            Ok(Sampler::Ddim)
        }
        Some("EulerDiscreteScheduler" | "EulerAncestralDiscreteScheduler" | "HeunDiscreteScheduler") => {
            Ok(Sampler::Euler)
        }
        Some("LMSDiscreteScheduler" | "KDPM2DiscreteScheduler" | "KDPM2AncestralDiscreteScheduler") => {
            Ok(Sampler::Euler)
        }
        Some(other) => {
            let what = format!("the scheduler {other} is not known to this engine");
            Err(config.unsupported(
                what,
                "set _class_name to DDIMScheduler or EulerDiscreteScheduler if the model allows it",
            ))
        }
        None => Err(config.bad("_class_name", "the name of a scheduler")),
    }
}

fn beta_schedule(config: &Config) -> EngineResult<BetaSchedule> {
    match config.text("beta_schedule") {
        Some("linear") | None => Ok(BetaSchedule::Linear),
        Some("scaled_linear") => Ok(BetaSchedule::ScaledLinear),
        Some("squaredcos_cap_v2") => Ok(BetaSchedule::SquaredCosine),
        Some(other) => Err(config.unsupported(
            format!("beta_schedule is {other}"),
            "the engine knows linear, scaled_linear and squaredcos_cap_v2",
        )),
    }
}

fn prediction(config: &Config) -> EngineResult<Prediction> {
    match config.text("prediction_type") {
        Some("epsilon") | None => Ok(Prediction::Epsilon),
        Some("v_prediction") => Ok(Prediction::Velocity),
        Some("sample") => Ok(Prediction::Sample),
        Some(other) => Err(config.unsupported(
            format!("prediction_type is {other}"),
            "the engine knows epsilon, v_prediction and sample",
        )),
    }
}

fn spacing(config: &Config, default: &str) -> EngineResult<Spacing> {
    match config.text("timestep_spacing").unwrap_or(default) {
        "leading" => Ok(Spacing::Leading),
        "trailing" => Ok(Spacing::Trailing),
        "linspace" => Ok(Spacing::Linspace),
        other => Err(config.unsupported(
            format!("timestep_spacing is {other}"),
            "the engine knows leading, trailing and linspace",
        )),
    }
}
