//! The AWS SDK for Rust, unchanged, through the gateway. Each test starts two gateways, so that it sees both sides:
//!
//! ```text
//!  SDK client ──> gateway: protects Orders ──> store: protects nothing, embedded database in memory
//!  the test ──────────────────────────────────^  reads and changes what is really stored
//! ```

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper of a test may panic, as the test may"
)]

mod expressions;
mod kill;
pub(crate) mod orders;
pub(crate) mod support;

use std::collections::HashMap;

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{
    AttributeValue, Delete, DeleteRequest, Get, KeysAndAttributes, ParameterizedStatement, Put, PutRequest,
    ReturnValue, Select, TransactGetItem, TransactWriteItem, WriteRequest,
};
use orders::{Both, Item, SECRET, everything, key, message, n, order, pair, s, shown};

#[tokio::test]
async fn items_of_all_types_go_in_and_come_out() {
    let both = Both::start().await;
    let mut item = everything(1);
    item.insert("views".to_owned(), n("0"));
    both.put(item.clone()).await;
    assert_eq!(both.get(1).await, Some(item.clone()));
    assert_eq!(both.get(404).await, None);

    let stored = both.stored(1).await;
    for (name, value) in &item {
        let plain = ["customer", "number", "status", "views"].contains(&name.as_str());
        assert_eq!(stored.get(name) == Some(value), plain, "{name}");
        assert!(plain || stored[name].is_b(), "{name}");
    }
    assert!(stored["aws_dbe_head"].is_b() && stored["aws_dbe_foot"].is_b());
    assert!(!format!("{stored:?}").contains(SECRET));
    both.end();
}

#[tokio::test]
async fn projections_are_taken_from_the_opened_item() {
    let both = Both::start().await;
    both.put(everything(1)).await;
    let get = both.client.get_item().table_name("Orders").set_key(Some(key(1)));
    let get = get.projection_expression("#s, #m.city, #l[1]");
    let get = get.expression_attribute_names("#s", "status").expression_attribute_names("#m", "address");
    let found = get.expression_attribute_names("#l", "lines").send().await.unwrap().item.unwrap();
    let city = AttributeValue::M(HashMap::from([("city".to_owned(), s(SECRET))]));
    let second = AttributeValue::L(vec![AttributeValue::Null(true)]); // an index in a projection closes ranks
    assert_eq!(found, Item::from([pair("status", s("open")), pair("address", city), pair("lines", second)]));
    both.end();
}

#[tokio::test]
async fn batches_hold_protected_and_unprotected_tables() {
    let both = Both::start().await;
    let put = |item| WriteRequest::builder().put_request(PutRequest::builder().set_item(Some(item)).build().unwrap());
    let puts: Vec<_> = (0..20).map(|number| put(order(number)).build()).collect();
    let batch = both.client.batch_write_item().request_items("Orders", puts);
    let batch = batch.request_items("Plain", vec![put(order(99)).build()]);
    assert!(batch.send().await.unwrap().unprocessed_items.unwrap_or_default().is_empty());
    let delete = DeleteRequest::builder().set_key(Some(key(0))).build().unwrap();
    let delete = WriteRequest::builder().delete_request(delete).build();
    both.client.batch_write_item().request_items("Orders", vec![delete]).send().await.unwrap();

    let keys = |keys: Vec<Item>| KeysAndAttributes::builder().set_keys(Some(keys));
    let orders = keys((0..20).map(key).collect()).projection_expression("note").build().unwrap();
    let plain = keys(vec![key(99)]).build().unwrap();
    let get = both.client.batch_get_item().request_items("Orders", orders).request_items("Plain", plain);
    let answer = get.send().await.unwrap().responses.unwrap();
    let mut notes: Vec<_> = answer["Orders"].iter().map(|item| item["note"].as_s().unwrap().clone()).collect();
    let mut expected: Vec<_> = (1..20).map(|number| format!("{SECRET} {number}")).collect();
    notes.sort();
    expected.sort();
    assert_eq!(notes, expected);
    assert!(answer["Orders"].iter().all(|item| item.len() == 1));
    assert_eq!(answer["Plain"], [order(99)]);
    let raw = both.raw.get_item().table_name("Plain").set_key(Some(key(99))).send().await.unwrap();
    assert_eq!(raw.item, Some(order(99)));
    both.end();
}

#[tokio::test]
async fn queries_and_scans_page() {
    let both = Both::start().await;
    for number in 0..10 {
        both.put(order(number)).await;
    }
    let query = || {
        let query = both.client.query().table_name("Orders").key_condition_expression("customer = :c");
        query.expression_attribute_values(":c", s("rust"))
    };
    let mut pages = query().limit(3).into_paginator().send();
    let (mut items, mut count) = (Vec::new(), 0);
    while let Some(page) = pages.next().await {
        let page = page.unwrap();
        assert!(page.count <= 3 && page.items().len() == usize::try_from(page.count).unwrap());
        items.extend(page.items.unwrap_or_default());
        count += 1;
    }
    assert!(count >= 4);
    assert_eq!(items, (0..10).map(order).collect::<Vec<_>>());

    let open = || query().filter_expression("#s = :open").expression_attribute_names("#s", "status");
    let open = || open().expression_attribute_values(":open", s("open"));
    let found = open().scan_index_forward(false).send().await.unwrap();
    let numbers: Vec<_> = found.items().iter().map(|item| item["number"].as_n().unwrap().as_str()).collect();
    assert_eq!((numbers, found.count, found.scanned_count), (vec!["9", "7", "5", "3", "1"], 5, 10));
    let counted = open().select(Select::Count).send().await.unwrap();
    assert_eq!((counted.count, counted.scanned_count, counted.items), (5, 10, None));

    let scan = both.client.scan().table_name("Orders").into_paginator().page_size(4).items().send();
    let mut scanned: Vec<Item> = scan.collect::<Result<_, _>>().await.unwrap();
    scanned.sort_by_key(|item| item["number"].as_n().unwrap().parse::<u32>().unwrap());
    assert_eq!(scanned, items);
    both.end();
}

/// The SDK fills in a ClientRequestToken, whether the statements read or write.
#[tokio::test]
async fn transactions_of_statements_read_and_write() {
    let both = Both::start().await;
    both.put(order(1)).await;
    let execute = |text: &str| {
        let statement = ParameterizedStatement::builder().statement(text).build().unwrap();
        both.client.execute_transaction().transact_statements(statement).send()
    };
    let found = execute("SELECT * FROM \"Orders\" WHERE customer = 'rust' AND number = 1").await.unwrap();
    assert_eq!(found.responses()[0].item, Some(order(1)));
    execute("UPDATE Orders SET note = 'other' WHERE customer = 'rust' AND number = 1").await.unwrap();
    assert_eq!(both.get(1).await.unwrap()["note"], s("other"));
    both.end();
}

#[tokio::test]
async fn transactions_are_whole() {
    let both = Both::start().await;
    both.put(order(0)).await;
    let put = |table: &str, number| {
        let put = Put::builder().table_name(table).set_item(Some(order(number))).build().unwrap();
        TransactWriteItem::builder().put(put).build()
    };
    let delete = Delete::builder().table_name("Orders").set_key(Some(key(0))).build().unwrap();
    let delete = TransactWriteItem::builder().delete(delete).build();
    let items = vec![put("Orders", 5), put("Plain", 6), delete];
    both.client.transact_write_items().set_transact_items(Some(items)).send().await.unwrap();

    let get = |table: &str, number| {
        let get = Get::builder().table_name(table).set_key(Some(key(number))).build().unwrap();
        TransactGetItem::builder().get(get).build()
    };
    let gets = vec![get("Orders", 5), get("Orders", 0), get("Plain", 6)];
    let answer = both.client.transact_get_items().set_transact_items(Some(gets)).send().await.unwrap();
    let items: Vec<_> = answer.responses.unwrap().into_iter().map(|response| response.item).collect();
    assert_eq!(items, [Some(order(5)), None, Some(order(6))]);

    let check = Delete::builder().table_name("Orders").set_key(Some(key(5)));
    let check = check.condition_expression("attribute_not_exists(customer)").build().unwrap();
    let items = vec![put("Orders", 7), TransactWriteItem::builder().delete(check).build()];
    let error = both.client.transact_write_items().set_transact_items(Some(items)).send().await.unwrap_err();
    let TransactWriteItemsError::TransactionCanceledException(cancelled) = error.into_service_error() else {
        panic!("not a cancelled transaction");
    };
    let codes: Vec<_> = cancelled.cancellation_reasons().iter().map(|reason| reason.code().unwrap()).collect();
    assert_eq!(codes, ["None", "ConditionalCheckFailed"]);
    assert_eq!(both.get(7).await, None);
    both.end();
}

#[tokio::test]
async fn old_values_are_opened() {
    let both = Both::start().await;
    both.put(everything(1)).await;
    let put = both.client.put_item().table_name("Orders").set_item(Some(order(1)));
    let old = put.return_values(ReturnValue::AllOld).send().await.unwrap().attributes;
    assert_eq!(old, Some(everything(1)));
    let delete = both.client.delete_item().table_name("Orders").set_key(Some(key(1)));
    let delete = delete.return_values(ReturnValue::AllOld);
    assert_eq!(delete.clone().send().await.unwrap().attributes, Some(order(1)));
    assert_eq!(delete.send().await.unwrap().attributes, None);
    both.end();
}

#[tokio::test]
async fn a_failed_condition_is_the_sdks_own_error() {
    let both = Both::start().await;
    let put = both.client.put_item().table_name("Orders").set_item(Some(order(1)));
    let put = put.condition_expression("attribute_not_exists(customer)");
    put.clone().send().await.unwrap();
    let error = put.send().await.unwrap_err();
    assert_eq!(error.raw_response().unwrap().status().as_u16(), 400);
    assert!(matches!(error.into_service_error(), PutItemError::ConditionalCheckFailedException(_)));
    both.end();
}

#[tokio::test]
async fn a_changed_byte_is_refused() {
    let both = Both::start().await;
    for attribute in ["note", "aws_dbe_head", "aws_dbe_foot", "status"] {
        both.put(order(1)).await;
        let mut stored = both.stored(1).await;
        let changed = match &stored[attribute] {
            AttributeValue::B(bytes) => {
                let mut bytes = bytes.clone().into_inner();
                *bytes.last_mut().unwrap() ^= 1;
                AttributeValue::B(Blob::new(bytes))
            }
            _ => s("paid"),
        };
        stored.insert(attribute.to_owned(), changed);
        both.raw.put_item().table_name("Orders").set_item(Some(stored)).send().await.unwrap();

        let get = both.client.get_item().table_name("Orders").set_key(Some(key(1))).send().await.unwrap_err();
        let scan = both.client.scan().table_name("Orders").send().await.unwrap_err();
        for (message, shown) in [(message(&get), shown(&get)), (message(&scan), shown(&scan))] {
            assert!(message.contains("DSL-3") && message.contains("Orders"), "{attribute}: {message}");
            assert!(!shown.contains(SECRET));
        }
    }
    both.end();
}

#[tokio::test]
async fn an_unprotected_table_is_left_alone() {
    let both = Both::start().await;
    both.client.put_item().table_name("Plain").set_item(Some(everything(1))).send().await.unwrap();
    let raw = both.raw.get_item().table_name("Plain").set_key(Some(key(1))).send().await.unwrap();
    assert_eq!(raw.item, Some(everything(1)));
    both.end();
}
