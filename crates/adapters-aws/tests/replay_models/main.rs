//! What the emulators get wrong or can't be made to do, replayed answer by answer: names taken by others, closed
//! connections, throttling, refusals, silence.

mod async_inference;
mod bedrock;
mod notifier;
mod pictures;
mod replay;
mod sagemaker;
mod workflow;
