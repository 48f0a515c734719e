//! The contract of [`JobRepo`], case by case.

use crate::suites::cases;
use std::sync::Arc;
use tintype_core::ports::JobRepo;

cases! { CASES of Arc<dyn JobRepo>: }
