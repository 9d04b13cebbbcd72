//! What a sealed client's process may log. The SDK prints answers and outputs after they are opened at its level TRACE, which no
//! client can keep it from; nobody else prints a value at any level, and the SDK at no other.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests, not tests themselves")]

mod support;

use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};
use support::{Fate, SECRET, Store, s, user};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt as _};

/// What the README and the crate's page say to keep above TRACE.
const LOUD: &str = "aws_smithy_runtime";

#[tokio::test]
async fn values_are_in_the_sdks_own_trace_and_nowhere_else() {
    let seen = Lines::default();
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(seen.clone()));
    let store = Store::start().await;
    let db = store.sealed();
    db.put_item().table_name("Users").set_item(Some(user("1"))).send().await.unwrap();
    db.get_item().table_name("Users").key("id", s("1")).send().await.unwrap();
    for fate in [Fate::Lost, Fate::Failed, Fate::Garbled, Fate::NeverSent] {
        store.order(vec![("UpdateItem", fate)]);
        let update = db.update_item().table_name("Users").key("id", s("1")).update_expression("SET email = :mail");
        let update = update.expression_attribute_values(":mail", s(SECRET)).return_values(ReturnValue::AllNew);
        update.send().await.unwrap();
    }
    let failed = db.put_item().table_name("Users").set_item(Some(user("1"))).condition_expression("age = :age");
    let failed = failed.expression_attribute_values(":age", AttributeValue::N("7".into()));
    let failed = failed.return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    failed.send().await.unwrap_err();
    db.query()
        .table_name("Users")
        .key_condition_expression("id = :id")
        .filter_expression("email = :mail")
        .expression_attribute_values(":id", s("1"))
        .expression_attribute_values(":mail", s(SECRET))
        .send()
        .await
        .unwrap();

    let lines = seen.0.lock().unwrap();
    assert!(lines.len() > 500, "{}", lines.len());
    let told: Vec<_> = lines.iter().filter(|line| line.text.contains(SECRET)).collect();
    // The day the SDK stops, this test and the words about it can go.
    assert!(told.iter().any(|line| line.text.contains("output_or_error")));
    let stray = told.iter().find(|line| line.level != Level::TRACE || !line.target.starts_with(LOUD));
    assert!(stray.is_none(), "{:?}", stray.map(|line| (&line.target, line.level)));
}

/// What a configuration allows but should be looked at is told where the SDK's own log goes.
#[test]
fn the_warnings_of_a_configuration_are_logged() {
    let seen = Lines::default();
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(seen.clone()));
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("test.key"), "5a17".repeat(16)).unwrap();
    let section = |name, action| {
        format!(
            "[tables.\"{name}\"]\nkeys = \"main\"\ndefault_action = \"{action}\"\nattributes = {{ id = \"sign_only\" }}\n"
        )
    };
    let key = "[keys.main]\ntype = \"raw-aes\"\nnamespace = \"n\"\nname = \"k\"\nkey_file = \"test.key\"\n";
    let config = folder.path().join("dynaseal.toml");
    let text = [key.to_owned(), section("*", "encrypt_and_sign"), section("open-*", "sign_only")].concat();
    std::fs::write(&config, text).unwrap();
    dynaseal::load(&config).unwrap();
    let lines = seen.0.lock().unwrap();
    let told = lines.iter().filter(|line| line.level == Level::WARN && line.text.contains("DSL-5209"));
    assert_eq!(told.map(|line| line.text.contains("[tables.\"open-*\"] holds")).collect::<Vec<_>>(), [true]);
}

struct Line {
    target: String,
    level: Level,
    text: String,
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<Line>>>);

impl Lines {
    fn note(&self, of: &Metadata<'_>, text: Text) {
        self.0.lock().unwrap().push(Line { target: of.target().to_owned(), level: *of.level(), text: text.0 });
    }
}

impl<S: Subscriber + for<'l> tracing_subscriber::registry::LookupSpan<'l>> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut text = Text::default();
        event.record(&mut text);
        self.note(event.metadata(), text);
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        let mut text = Text::default();
        attributes.record(&mut text);
        self.note(attributes.metadata(), text);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let mut text = Text::default();
        values.record(&mut text);
        self.note(context.span(id).unwrap().metadata(), text);
    }
}

#[derive(Default)]
struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, "{}={value:?} ", field.name()).unwrap();
    }
}
