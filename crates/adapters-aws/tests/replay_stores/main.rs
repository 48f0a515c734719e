//! What the emulators get wrong or can't be made to do: the services' own answers, replayed. The SDK's retries are off,
//! so that each answer is one call.

mod answers;
mod credentials;
mod dynamodb;
mod s3;
mod transactions;
