//! What Tintype's Lambda functions share. Each function is a thin binary beside this.
