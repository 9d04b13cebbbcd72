//! Updates, conditions and filters on what is stored encrypted.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::error::ProvideErrorMetadata as _;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, Delete, ReturnValue, ReturnValuesOnConditionCheckFailure, Select,
    TransactWriteItem, Update,
};

use crate::orders::{Both, Item, SECRET, assert_refused, everything, key, n, order, pair, s, with_sorted_sets};

#[tokio::test]
async fn an_encrypted_attribute_is_updated_only_if_the_item_exists() {
    let both = Both::start().await;
    let change = update(&both).update_expression("SET note = :n").condition_expression("attribute_exists(customer)");
    let change = change.expression_attribute_values(":n", s(&format!("{SECRET} new")));
    let show = change.clone().return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    assert_eq!(failed_update(show).await, None);
    assert!(!both.is_stored(1).await);

    both.put(everything(1)).await;
    let before = both.stored(1).await;
    assert_eq!(change.send().await.unwrap().attributes, None);
    let mut expected = everything(1);
    expected.insert("note".to_owned(), s(&format!("{SECRET} new")));
    assert_eq!(both.get(1).await, Some(expected.clone()));
    assert_sealed(&both, &expected, &before).await;
    both.end();
}

#[tokio::test]
async fn an_update_mixes_encrypted_signed_and_unsigned_attributes() {
    let both = Both::start().await;
    let line = |count| AttributeValue::M(HashMap::from([pair("sku", s(SECRET)), pair("count", n(count))]));
    let set = |all: &[&str]| AttributeValue::Ss(all.iter().map(|&one| one.to_owned()).collect());
    let mut item = order(1);
    item.extend([
        pair("views", n("5")),
        pair("amount", n("12.5")),
        pair("tags", set(&["a", "b"])),
        pair("coupon", s(SECRET)),
        pair("lines", AttributeValue::L(vec![line("2"), s("gone")])),
    ]);
    both.put(item).await;
    let before = both.stored(1).await;

    let change = "SET #s = :paid, note = :note, #l[0].#c = #l[0].#c + :one, twin = coupon, \
        born = if_not_exists(born, :one) REMOVE coupon, #l[1] ADD amount :half, #v :one DELETE tags :a";
    let mut change = update(&both).update_expression(change).return_values(ReturnValue::AllNew);
    change = change.condition_expression("begins_with(note, :secret) AND amount BETWEEN :one AND :many AND #v = :five");
    for (name, attribute) in [("#s", "status"), ("#v", "views"), ("#l", "lines"), ("#c", "count")] {
        change = change.expression_attribute_names(name, attribute);
    }
    let note = format!("{SECRET} changed");
    for (name, value) in [(":paid", s("paid")), (":note", s(&note)), (":secret", s(SECRET)), (":a", set(&["a"]))] {
        change = change.expression_attribute_values(name, value);
    }
    for (name, value) in [(":one", "1"), (":half", "0.5"), (":many", "99"), (":five", "5")] {
        change = change.expression_attribute_values(name, n(value));
    }
    let answer = change.send().await.unwrap().attributes.unwrap();

    let mut expected = key(1);
    expected.extend([
        pair("status", s("paid")),
        pair("note", s(&note)),
        pair("views", n("6")),
        pair("amount", n("13")),
        pair("tags", set(&["b"])),
        pair("twin", s(SECRET)),
        pair("born", n("1")),
        pair("lines", AttributeValue::L(vec![line("3")])),
    ]);
    assert_eq!(answer, expected);
    assert_eq!(both.get(1).await, Some(expected.clone()));
    assert_sealed(&both, &expected, &before).await;
    assert_eq!(both.stored(1).await.get("views"), Some(&n("6")));
    both.end();
}

#[tokio::test]
async fn an_update_returns_what_was_asked_for() {
    let both = Both::start().await;
    let address = |street: &str, more| {
        let mut address = HashMap::from([pair("street", s(street))]);
        address.extend(more);
        AttributeValue::M(address)
    };
    let whole = |number: u32| {
        let note = format!("{SECRET} {number}");
        let mut item = order(1);
        let address = address(&note, vec![pair("city", s(SECRET))]);
        item.extend([pair("note", s(&note)), pair("views", n(&number.to_string())), pair("address", address)]);
        item
    };
    let parts = |number: u32| {
        let note = format!("{SECRET} {number}");
        let address = address(&note, Vec::new());
        Item::from([pair("note", s(&note)), pair("views", n(&number.to_string())), pair("address", address)])
    };
    both.put(whole(0)).await;
    for (number, returns, expected) in [
        (1, ReturnValue::None, None),
        (2, ReturnValue::AllOld, Some(whole(1))),
        (3, ReturnValue::UpdatedOld, Some(parts(2))),
        (4, ReturnValue::AllNew, Some(whole(4))),
        (5, ReturnValue::UpdatedNew, Some(parts(5))),
    ] {
        let change = update(&both).update_expression("SET note = :n, address.street = :n ADD #v :one");
        let change = change.expression_attribute_names("#v", "views").expression_attribute_values(":one", n("1"));
        let change = change.expression_attribute_values(":n", s(&format!("{SECRET} {number}")));
        let answer = change.return_values(returns.clone()).send().await.unwrap().attributes;
        assert_eq!(answer, expected, "{returns}");
        assert_eq!(both.get(1).await, Some(whole(number)), "{returns}");
    }
    both.end();
}

#[tokio::test]
async fn an_update_creates_a_sealed_item() {
    let both = Both::start().await;
    let change = update(&both).update_expression("SET note = :n, #s = :open");
    let change = change.condition_expression("attribute_not_exists(note)").expression_attribute_names("#s", "status");
    let change = change.expression_attribute_values(":n", s(&format!("{SECRET} 1")));
    let change = change.expression_attribute_values(":open", s("open")).return_values(ReturnValue::AllNew);
    assert_eq!(change.send().await.unwrap().attributes, Some(order(1)));
    assert_eq!(both.get(1).await, Some(order(1)));
    assert_sealed(&both, &order(1), &Item::new()).await;
    both.end();
}

#[tokio::test]
async fn an_update_of_an_unsigned_attribute_leaves_the_sealed_ones() {
    let both = Both::start().await;
    both.put(order(1)).await;
    let mut stored = both.stored(1).await;
    let count = update(&both).update_expression("ADD #v :one").expression_attribute_names("#v", "views");
    let count = count.expression_attribute_values(":one", n("1")).return_values(ReturnValue::UpdatedNew);
    assert_eq!(count.send().await.unwrap().attributes, Some(Item::from([pair("views", n("1"))])));
    stored.insert("views".to_owned(), n("1"));
    assert_eq!(both.stored(1).await, stored);
    both.end();
}

#[tokio::test]
async fn updates_at_the_same_time_are_all_carried_out() {
    let both = Both::start().await;
    let mut item = order(1);
    item.extend([pair("amount", n("0")), pair("views", n("0"))]);
    both.put(item.clone()).await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..30 {
        let add = update(&both).update_expression("ADD amount :one, #v :one");
        let add = add.expression_attribute_names("#v", "views").expression_attribute_values(":one", n("1"));
        tasks.spawn(async move { add.send().await.map(|_| ()) });
    }
    while let Some(added) = tasks.join_next().await {
        added.unwrap().unwrap();
    }
    item.extend([pair("amount", n("30")), pair("views", n("30"))]);
    assert_eq!(both.get(1).await, Some(item));
    both.end();
}

#[tokio::test]
async fn puts_and_deletes_under_a_condition_on_an_encrypted_attribute() {
    let both = Both::start().await;
    both.put(order(1)).await;
    let before = both.stored(1).await;
    let condition = "note = :n AND #s = :open";
    let values = |note: &str| Some(HashMap::from([pair(":n", s(note)), pair(":open", s("open"))]));
    let names = || Some(HashMap::from([("#s".to_owned(), "status".to_owned())]));
    let show = ReturnValuesOnConditionCheckFailure::AllOld;
    let put = |note: &str| {
        let put = both.client.put_item().table_name("Orders").set_item(Some(everything(1)));
        let put = put.condition_expression(condition).set_expression_attribute_names(names());
        let put = put.return_values_on_condition_check_failure(show.clone()).return_values(ReturnValue::AllOld);
        put.set_expression_attribute_values(values(note)).send()
    };
    let delete = |note: &str| {
        let delete = both.client.delete_item().table_name("Orders").set_key(Some(key(1)));
        let delete = delete.condition_expression(condition).set_expression_attribute_names(names());
        let delete = delete.return_values_on_condition_check_failure(show.clone()).return_values(ReturnValue::AllOld);
        delete.set_expression_attribute_values(values(note)).send()
    };

    let PutItemError::ConditionalCheckFailedException(failed) = put(SECRET).await.unwrap_err().into_service_error()
    else {
        panic!("not a failed condition");
    };
    assert_eq!(failed.item, Some(order(1)));
    let DeleteItemError::ConditionalCheckFailedException(failed) =
        delete(SECRET).await.unwrap_err().into_service_error()
    else {
        panic!("not a failed condition");
    };
    assert_eq!(failed.item, Some(order(1)));
    let change = update(&both).update_expression("SET note = :n").condition_expression("note <> :old");
    let change = change.expression_attribute_values(":n", s(SECRET));
    let change = change.expression_attribute_values(":old", s(&format!("{SECRET} 1")));
    assert_eq!(failed_update(change.clone()).await, None);
    assert_eq!(failed_update(change.return_values_on_condition_check_failure(show.clone())).await, Some(order(1)));
    assert_eq!(both.stored(1).await, before);

    let note = format!("{SECRET} 1");
    assert_eq!(put(&note).await.unwrap().attributes, Some(order(1)));
    assert_eq!(both.get(1).await, Some(everything(1)));
    assert_sealed(&both, &everything(1), &before).await;
    assert_eq!(delete(&note).await.unwrap().attributes.map(with_sorted_sets), Some(everything(1)));
    assert!(!both.is_stored(1).await);
    both.end();
}

#[tokio::test]
async fn queries_and_scans_filter_on_encrypted_attributes() {
    let both = Both::start().await;
    for number in 0..9 {
        both.put(order(number)).await;
    }
    let filter = "note IN (:two, :five) OR (#s = :open AND begins_with(note, :note) AND NOT contains(note, :seven))";
    let values = [(":two", format!("{SECRET} 2")), (":five", format!("{SECRET} 5")), (":note", SECRET.to_owned())];
    let mut all: HashMap<_, _> = values.iter().map(|(name, text)| pair(name, s(text))).collect();
    all.extend([pair(":open", s("open")), pair(":seven", s("7"))]);
    let names = HashMap::from([("#s".to_owned(), "status".to_owned())]);
    let scan = both.client.scan().table_name("Orders").filter_expression(filter);
    let scan = scan.set_expression_attribute_values(Some(all.clone())).set_expression_attribute_names(Some(names));
    let query = both.client.query().table_name("Orders").filter_expression(filter);
    let query = query.key_condition_expression("customer = :c AND #n >= :from");
    let query = query.set_expression_attribute_values(Some(all)).expression_attribute_names("#s", "status");
    let query = query.expression_attribute_values(":c", s("rust")).expression_attribute_values(":from", n("1"));
    let query = query.expression_attribute_names("#n", "number");
    let expected: Vec<_> = [1, 2, 3, 5].map(order).into();

    let whole = query.clone().send().await.unwrap();
    assert_eq!((whole.items(), whole.count, whole.scanned_count), (&expected[..], 4, 8));
    let counted = query.clone().select(Select::Count).send().await.unwrap();
    assert_eq!((counted.items, counted.count, counted.scanned_count), (None, 4, 8));
    // A page ends after as many items as were read, not as passed the filter.
    let mut pages = query.into_paginator().page_size(3).send();
    let (mut found, mut counts) = (Vec::new(), Vec::new());
    while let Some(page) = pages.next().await {
        let page = page.unwrap();
        counts.push((page.count, page.scanned_count));
        found.extend(page.items.unwrap_or_default());
    }
    assert_eq!((found, &counts[..2]), (expected.clone(), &[(3, 3), (1, 3)][..]));

    let pages = scan.clone().into_paginator().page_size(2).items().send();
    let mut found: Vec<Item> = pages.collect::<Result<_, _>>().await.unwrap();
    found.sort_by_key(|item| item["number"].as_n().unwrap().parse::<u32>().unwrap());
    assert_eq!(found, expected);
    let counted = scan.select(Select::Count).send().await.unwrap();
    assert_eq!((counted.items, counted.count, counted.scanned_count), (None, 4, 9));
    both.end();
}

#[tokio::test]
async fn transactions_touch_encrypted_attributes() {
    let both = Both::start().await;
    for number in 1..4 {
        both.put(order(number)).await;
    }
    let before = both.stored(1).await;
    let transact = |note: String| {
        let change = Update::builder().table_name("Orders").set_key(Some(key(1)));
        let change = change.update_expression("SET note = :n").expression_attribute_values(":n", s("changed"));
        let check = ConditionCheck::builder().table_name("Orders").set_key(Some(key(2)));
        let check = check.condition_expression("note = :n").expression_attribute_values(":n", s(&note));
        let check = check.return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let delete = Delete::builder().table_name("Orders").set_key(Some(key(3)));
        let delete = delete.condition_expression("begins_with(note, :n)");
        let delete = delete.expression_attribute_values(":n", s(SECRET));
        let action = TransactWriteItem::builder;
        let transaction = both.client.transact_write_items();
        let transaction = transaction.transact_items(action().update(change.build().unwrap()).build());
        let transaction = transaction.transact_items(action().condition_check(check.build().unwrap()).build());
        transaction.transact_items(action().delete(delete.build().unwrap()).build()).send()
    };
    let error = transact(SECRET.to_owned()).await.unwrap_err().into_service_error();
    let TransactWriteItemsError::TransactionCanceledException(cancelled) = error else {
        panic!("not a cancelled transaction");
    };
    let reasons = cancelled.cancellation_reasons();
    let codes: Vec<_> = reasons.iter().map(|reason| reason.code().unwrap()).collect();
    assert_eq!(codes, ["None", "ConditionalCheckFailed", "None"]);
    assert_eq!(reasons[1].item, Some(order(2)));
    assert_eq!(both.stored(1).await, before);

    transact(format!("{SECRET} 2")).await.unwrap();
    let mut expected = order(1);
    expected.insert("note".to_owned(), s("changed"));
    assert_eq!(both.get(1).await, Some(expected.clone()));
    assert_sealed(&both, &expected, &before).await;
    assert!(!both.is_stored(3).await);
    both.end();
}

#[tokio::test]
async fn what_is_not_supported_is_refused_by_name() {
    let both = Both::start().await;
    both.put(order(1)).await;
    let before = both.stored(1).await;
    for name in ["aws_dbe_head", "aws_dbe_foot"] {
        let change = update(&both).update_expression("SET #a = :v").expression_attribute_names("#a", name);
        let refused = change.expression_attribute_values(":v", s(SECRET)).send().await;
        assert_refused(&refused.unwrap_err(), "UpdateItem", name);
    }
    let query = both.client.query().table_name("Orders").key_condition_expression("customer = :c AND note = :n");
    let query = query.expression_attribute_values(":c", s("rust")).expression_attribute_values(":n", s(SECRET));
    assert_refused(&query.send().await.unwrap_err(), "Query", "note");
    assert_eq!(both.stored(1).await, before);

    // A fault of an expression is told in DynamoDB's own words.
    let fault = update(&both).update_expression("SET views = :n").expression_attribute_values(":n", s(SECRET));
    let fault = fault.send().await.unwrap_err();
    assert_eq!(fault.code(), Some("ValidationException"));
    assert!(fault.message().unwrap().ends_with("Attribute name is a reserved keyword; reserved keyword: views"));
    both.end();
}

fn update(both: &Both) -> UpdateItemFluentBuilder {
    both.client.update_item().table_name("Orders").set_key(Some(key(1)))
}

/// The item that came with a failed condition.
async fn failed_update(update: UpdateItemFluentBuilder) -> Option<Item> {
    let error = update.send().await.unwrap_err();
    assert_eq!(error.raw_response().unwrap().status().as_u16(), 400);
    let failed = match error.into_service_error() {
        UpdateItemError::ConditionalCheckFailedException(failed) => Some(failed),
        _ => None,
    };
    let failed = failed.unwrap();
    assert_eq!(failed.message.as_deref(), Some("The conditional request failed"));
    failed.item
}

/// The stored item has these attributes, the encrypted ones as ciphertext, and other ciphertext than before.
async fn assert_sealed(both: &Both, item: &Item, before: &Item) {
    let stored = both.stored(1).await;
    let names: BTreeSet<_> = item.keys().map(String::as_str).chain(["aws_dbe_foot", "aws_dbe_head"]).collect();
    assert_eq!(stored.keys().map(String::as_str).collect::<BTreeSet<_>>(), names);
    for (name, value) in &stored {
        let plain = ["customer", "number", "status", "views"].contains(&name.as_str());
        assert!(plain || (value.is_b() && before.get(name) != Some(value)), "{name}");
    }
    assert!(!format!("{stored:?}").contains(SECRET));
}
