//! What Tintype does, each a plain function over the ports. Lambda functions, the server and tests call the same ones.
