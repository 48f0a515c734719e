//! The contract of [`MetadataRepo`], case by case.

use crate::suites::cases;
use std::sync::Arc;
use tintype_core::ports::MetadataRepo;

cases! { CASES of Arc<dyn MetadataRepo>: }
