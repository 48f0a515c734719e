//! The answer to API Gateway: an IAM policy for one stage of one API.

use serde_json::{Value, json};
use tintype_core::domain::OwnerId;

/// What a caller wants to invoke: `arn:PARTITION:execute-api:REGION:ACCOUNT:API/STAGE/METHOD/PATH`, or for a WebSocket
/// `.../STAGE/$connect`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MethodArn<'a> {
    api: &'a str,
    stage: &'a str,
    method: &'a str,
}

impl<'a> MethodArn<'a> {
    /// The parts of an ARN; `None` if it is none of an API's.
    pub(super) fn parse(arn: &'a str) -> Option<Self> {
        let mut parts = arn.splitn(4, '/');
        let (api, stage, method) = (parts.next()?, parts.next()?, parts.next()?);
        let is_api = api.starts_with("arn:") && api.contains(":execute-api:");
        // A star would widen the policy beyond what was asked for.
        let is_plain = !api.contains('*') && !stage.is_empty() && !stage.contains('*');
        (is_api && is_plain).then_some(Self { api, stage, method })
    }

    /// Whether it is the opening of a WebSocket.
    pub(super) fn opens_a_socket(&self) -> bool {
        self.method == "$connect"
    }

    /// Lets `owner` use every route of the stage.
    pub(super) fn allow(&self, owner: &OwnerId) -> Value {
        json!({
            "principalId": owner,
            "policyDocument": {
                "Version": "2012-10-17",
                "Statement": [{
                    "Action": "execute-api:Invoke",
                    "Effect": "Allow",
                    "Resource": format!("{}/{}/*", self.api, self.stage),
                }],
            },
            "context": { "owner": owner },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const API: &str = "arn:aws:execute-api:eu-west-1:123456789012:abcdef123";

    #[test]
    fn the_policy_is_for_this_api_and_stage_alone() {
        let arn = format!("{API}/prod/GET/images/x");
        let policy = MethodArn::parse(&arn).unwrap().allow(&OwnerId::local());
        let statement = &policy["policyDocument"]["Statement"][0];
        assert_eq!(statement["Resource"], format!("{API}/prod/*"));
        assert_eq!(policy["context"], json!({ "owner": "local" }));
    }

    #[test]
    fn only_connect_opens_a_socket() {
        let opens = |end: &str| MethodArn::parse(&format!("{API}/prod/{end}")).unwrap().opens_a_socket();
        assert!(opens("$connect"));
        assert!(!opens("GET/$connect"));
        assert!(!opens("GET/"));
    }

    #[test]
    fn what_is_no_arn_of_an_api_gets_no_policy() {
        for arn in
            ["", "*", "arn:aws:s3:::bucket/a/b", "arn:aws:execute-api:*/prod/GET", &format!("{API}/*/GET")]
        {
            assert_eq!(MethodArn::parse(arn), None, "{arn}");
        }
    }
}
