//! The contract of [`ConnectionRegistry`], case by case.

use crate::suites::cases;
use std::sync::Arc;
use tintype_core::ports::ConnectionRegistry;

cases! { CASES of Arc<dyn ConnectionRegistry>: }
