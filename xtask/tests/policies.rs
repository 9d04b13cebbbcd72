//! The policies in docs/KEYS.md: they are JSON, allow nothing that Dynaseal does not call, and nothing without the
//! condition that keeps it to one key store or table.

#![expect(clippy::unwrap_used, clippy::panic, reason = "the helpers of a test may stop it")]

use serde_json::Value;

#[test]
fn every_policy_is_json_with_statements() {
    let policies = policies();
    assert!(policies.len() >= 10, "{} policies", policies.len());
    for policy in &policies {
        assert_eq!(policy["Version"], "2012-10-17");
        for statement in statements(policy) {
            let sid = statement["Sid"].as_str().unwrap();
            assert!(sid.chars().all(|c| c.is_ascii_alphanumeric()), "{sid}");
            assert!(matches!(statement["Effect"].as_str(), Some("Allow" | "Deny")), "{sid}");
            assert!(!actions(statement).is_empty() && !statement["Resource"].is_null(), "{sid}");
        }
    }
}

#[test]
fn nothing_is_allowed_that_nobody_calls() {
    for policy in &policies() {
        for statement in allowed(policy) {
            let known: &[&str] = if statement["Sid"] == "Administration" { &ADMINISTRATION } else { &CALLED };
            for action in actions(statement) {
                assert!(known.contains(&action.as_str()), "{action} in {}", statement["Sid"]);
            }
        }
    }
    let all: Vec<_> =
        policies().iter().flat_map(|policy| allowed(policy).flat_map(actions).collect::<Vec<_>>()).collect();
    for called in CALLED {
        assert!(all.iter().any(|action| action == called), "no policy allows {called}");
    }
}

#[test]
fn kms_is_never_allowed_without_a_condition_where_there_can_be_one() {
    for policy in &policies() {
        for statement in allowed(policy).filter(|statement| statement["Sid"] != "Administration") {
            let actions = actions(statement);
            let equals = statement["Condition"]["StringEquals"].as_object();
            let names = |part: &str| equals.is_some_and(|equals| equals.keys().any(|key| key.starts_with(part)));
            // Asymmetric keys have no encryption context; key agreement has one algorithm only.
            let algorithm = &statement["Condition"]["StringEquals"]["kms:EncryptionAlgorithm"];
            let asymmetric = algorithm.as_str().is_some_and(|algorithm| algorithm.starts_with("RSAES_OAEP"));
            for action in actions.iter().filter(|action| action.starts_with("kms:")) {
                let bound = match action.as_str() {
                    "kms:Decrypt" if asymmetric => true,
                    "kms:DeriveSharedSecret" | "kms:GetPublicKey" => true,
                    "kms:GenerateDataKey" => names("kms:EncryptionContext:aws-crypto-table-name"),
                    "kms:Decrypt" => names("kms:EncryptionContext:"),
                    _ => names("kms:EncryptionContext:tablename"),
                };
                assert!(bound, "{action} in {}", statement["Sid"]);
                let same_key = &statement["Condition"]["Bool"]["kms:ReEncryptOnSameKey"];
                assert!(!action.starts_with("kms:ReEncrypt") || same_key == "true", "{}", statement["Sid"]);
            }
        }
    }
}

#[test]
fn the_key_store_is_only_written_in_transactions_and_never_by_who_decrypts() {
    let writes = |action: &String| matches!(action.as_str(), "dynamodb:PutItem" | "dynamodb:DeleteItem");
    for policy in &policies() {
        let of_key_store = |statement: &&Value| statement["Resource"].to_string().contains("table/KeyStore");
        let writers: Vec<_> =
            allowed(policy).filter(of_key_store).filter(|statement| actions(statement).iter().any(writes)).collect();
        for statement in &writers {
            let enclosing = &statement["Condition"]["StringEquals"]["dynamodb:EnclosingOperation"];
            assert_eq!(enclosing, "TransactWriteItems", "{}", statement["Sid"]);
        }
        let decrypts = allowed(policy).any(|statement| actions(statement).iter().any(|action| action == "kms:Decrypt"));
        assert!(writers.is_empty() || !decrypts, "{policy}");
    }
}

#[test]
fn the_key_policy_refuses_keys_that_someone_chose() {
    let policies = policies();
    let key_policy = policies.iter().find(|policy| policy["Id"] == "key-store").unwrap();
    let denied: Vec<_> =
        statements(key_policy).filter(|statement| statement["Effect"] == "Deny").flat_map(actions).collect();
    for action in ["kms:Encrypt", "kms:GenerateDataKey", "kms:CreateGrant"] {
        assert!(denied.iter().any(|denied| denied == action), "{action}");
    }
    let only = statements(key_policy).find(|statement| statement["Sid"] == "OnlyThisKeyStore").unwrap();
    assert_eq!(only["Condition"]["StringNotEquals"]["kms:EncryptionContext:tablename"], "KeyStore");
    for statement in allowed(key_policy).filter(|statement| statement["Sid"] != "Administration") {
        for action in actions(statement) {
            assert!(actions(only).contains(&action), "{action} is allowed and not kept to this key store");
        }
    }
}

#[test]
fn the_table_of_commands_names_what_the_policies_allow() {
    let page = page();
    let rows: Vec<_> = page.lines().filter(|line| line.starts_with("| `dynaseal ")).collect();
    assert_eq!(rows.len(), 10, "{rows:?}");
    for row in rows {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        for (cell, service) in [(cells[2], "dynamodb"), (cells[3], "kms")] {
            for word in cell.split(", ").filter(|word| !matches!(*word, "-" | "the same")) {
                let action = format!("{service}:{word}");
                assert!(CALLED.contains(&action.as_str()), "{action} in {row}");
            }
        }
    }
}

fn page() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/KEYS.md")).unwrap()
}

fn policies() -> Vec<Value> {
    let page = page();
    let blocks = page.split("```json\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    blocks.map(|block| serde_json::from_str(block).unwrap_or_else(|error| panic!("{error} in:\n{block}"))).collect()
}

fn statements(policy: &Value) -> impl Iterator<Item = &Value> {
    policy["Statement"].as_array().unwrap().iter()
}

fn allowed(policy: &Value) -> impl Iterator<Item = &Value> {
    statements(policy).filter(|statement| statement["Effect"] == "Allow")
}

/// IAM takes one action or a list.
fn actions(statement: &Value) -> Vec<String> {
    match &statement["Action"] {
        Value::String(action) => vec![action.clone()],
        Value::Array(list) => list.iter().map(|action| action.as_str().unwrap().to_owned()).collect(),
        other => panic!("{other} is no action"),
    }
}

/// What Dynaseal calls, as IAM names it: a transaction by its parts, ReEncrypt by its two sides.
const CALLED: [&str; 18] = [
    "dynamodb:BatchGetItem",
    "dynamodb:BatchWriteItem",
    "dynamodb:ConditionCheckItem",
    "dynamodb:CreateTable",
    "dynamodb:DeleteItem",
    "dynamodb:DescribeTable",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:Scan",
    "dynamodb:UpdateItem",
    "kms:Decrypt",
    "kms:DeriveSharedSecret",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:GetPublicKey",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
];

/// What the administrator of a KMS key does by other means: none of it uses the key.
const ADMINISTRATION: [&str; 13] = [
    "kms:DescribeKey",
    "kms:GetKeyPolicy",
    "kms:PutKeyPolicy",
    "kms:EnableKey",
    "kms:DisableKey",
    "kms:EnableKeyRotation",
    "kms:GetKeyRotationStatus",
    "kms:ListGrants",
    "kms:RevokeGrant",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:ScheduleKeyDeletion",
    "kms:CancelKeyDeletion",
];
