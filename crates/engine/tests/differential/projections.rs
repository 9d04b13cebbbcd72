//! Projections, asked through GetItem.

use dynaseal_engine::expr::names::{Scope, Values};
use dynaseal_engine::expr::projection::Projection;
use dynaseal_item::{Item, json as item_json};
use serde_json::{Value, json};

use crate::conditions::names;
use crate::exceptions::Outcome;
use crate::generate::Writer;
use crate::oracle::TABLE;
use crate::pairs::{Pair, compare};

#[test]
fn projections() {
    compare("projections", 15_000, 0xcab, |random, given| {
        let mutated = random.once_in(9);
        let mut writer = Writer::new(random, given.stored);
        let paths: Vec<_> = (0..=writer.random.below(3)).map(|_| path(&mut writer)).collect();
        let mut expression = paths.join(" , ");
        if mutated {
            expression = writer.mutate(&expression);
        }
        let mut request = json!({"TableName": TABLE, "Key": {"k": {"S": "key"}}, "ProjectionExpression": expression});
        writer.members(&mut request);
        let ours = ours(&request, &expression, given.opened);
        Pair { asked: format!("{expression:?}"), ours, theirs: given.oracle.get(&request) }
    });
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
