//! Projections, asked through GetItem.

use dynaseal_engine::expr::names::{Scope, Values};
use dynaseal_engine::expr::projection::Projection;
use dynaseal_item::{Item, json as item_json};
use serde_json::{Value, json};

use crate::conditions::names;
use crate::exceptions::Outcome;
use crate::generate::{Writer, item};
use crate::oracle::{Oracle, TABLE};
use crate::random::Random;
use crate::report::{Report, plan};

const BATCH: u64 = 50;

#[test]
fn projections() {
    let (pairs, first) = plan(15_000);
    let oracle = Oracle::new(false);
    let mut report = Report::default();
    for batch in 0..pairs.div_ceil(BATCH) {
        let stored = oracle.store(&item(&mut Random::new(first + batch), "key"));
        let text = Value::Object(stored.clone()).to_string();
        let opened = item_json::read_item(&text).unwrap();
        for number in 0..BATCH {
            let mut random = Random::new(((first + batch) * BATCH + number) ^ 0xcab);
            let mutated = random.once_in(9);
            let mut writer = Writer::new(&mut random, &stored);
            let paths: Vec<_> = (0..=writer.random.below(3)).map(|_| path(&mut writer)).collect();
            let mut expression = paths.join(" , ");
            if mutated {
                expression = writer.mutate(&expression);
            }
            let mut request =
                json!({"TableName": TABLE, "Key": {"k": {"S": "key"}}, "ProjectionExpression": expression});
            writer.members(&mut request);
            let ours = ours(&request, &expression, &opened);
            report.pair(first + batch, &format!("{expression:?} over {text}"), &ours, &oracle.get(&request));
        }
    }
    report.finish("projections");
}

fn path(writer: &mut Writer<'_>) -> String {
    match writer.place(&[], &[]) {
        Some((path, _)) if writer.random.once_in(2) => path,
        _ => writer.path(),
    }
}

fn ours(request: &Value, text: &str, item: &Item<'_>) -> Outcome {
    let (names, values) = (names(request), Values::new());
    let mut scope = Scope::new(&names, &values);
    let read = Projection::parse(text, &mut scope).and_then(|read| scope.check_unused().map(|()| read));
    match read {
        Ok(projection) => {
            let mut out = Vec::new();
            item_json::write_item(&projection.apply(&mut item.clone()), &mut out);
            Outcome::Done(serde_json::from_slice(&out).unwrap())
        }
        Err(error) => Outcome::of(&error),
    }
}
