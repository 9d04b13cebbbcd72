//! The expressions of a request that are worked out here, kept with what their placeholders stand for.

use dynaseal_item::{Item, Value, json};

use crate::doc::{Node, Object};
use crate::expr::ast::{Condition, Update};
use crate::expr::error::{Error, Kind};
use crate::expr::legacy::{LegacyCondition, LegacyUpdate};
use crate::expr::names::{Names, Scope, Values, check_maps};
use crate::expr::print::Printer;
use crate::expr::stored::Layer;
use crate::expr::{condition, eval, legacy, update};

/// Expressions as they were written.
#[derive(Debug, Default)]
pub(crate) struct Expressions {
    pub(crate) names: Option<Names<'static>>,
    pub(crate) values: Option<Values<'static>>,
    /// A condition or a filter.
    pub(crate) condition: Option<(Kind, String)>,
    pub(crate) update: Option<String>,
    /// Their predecessors, which a request has instead.
    pub(crate) legacy: Legacy,
    /// Whether there are no others in the request, so that every placeholder must be used here.
    pub(crate) whole: bool,
    /// How the operation words values that it does not take.
    pub(crate) layer: Layer,
}

/// `Expected`, `QueryFilter`, `ScanFilter` and `AttributeUpdates`.
#[derive(Debug, Default)]
pub(crate) struct Legacy {
    pub(crate) conditions: Option<Vec<LegacyCondition<'static>>>,
    /// `ConditionalOperator`.
    pub(crate) operator: Option<String>,
    pub(crate) updates: Option<Vec<LegacyUpdate<'static>>>,
}

/// Expressions as they are meant.
pub(crate) struct Parsed<'x> {
    pub(crate) condition: Option<Condition<&'x Value<'x>>>,
    pub(crate) update: Option<Update<&'x Value<'x>>>,
}

impl Expressions {
    /// Reads them.
    ///
    /// # Errors
    /// DynamoDB would refuse them.
    pub(crate) fn parse(&self) -> Result<Parsed<'_>, Error> {
        const NO_NAMES: &Names<'static> = &Names::new();
        const NO_VALUES: &Values<'static> = &Values::new();
        check_maps(self.names.as_ref(), self.values.as_ref(), self.layer)?;
        let (names, values) = (self.names.as_ref().unwrap_or(NO_NAMES), self.values.as_ref().unwrap_or(NO_VALUES));
        let mut scope = Scope::new(names, values);
        let mut update = self.update.as_deref().map(|text| update::parse(text, &mut scope)).transpose()?;
        let condition = self.condition.as_ref().map(|(kind, text)| condition::parse(text, *kind, &mut scope));
        let mut condition = condition.transpose()?;
        legacy::check_operator(self.legacy.operator.as_deref(), self.legacy.conditions.as_ref().map_or(0, Vec::len))?;
        if let Some(conditions) = &self.legacy.conditions {
            if self.whole {
                legacy::check_expected(conditions, self.layer)?;
            } else {
                legacy::check_filter(conditions, self.layer)?;
            }
            let read = if self.whole { legacy::expected } else { legacy::filter };
            condition = read(conditions, self.legacy.operator.as_deref())?;
        }
        if let Some(updates) = &self.legacy.updates {
            legacy::check_updates(updates, self.layer)?;
            update = Some(legacy::attribute_updates(updates)?);
        }
        if self.whole {
            scope.check_unused()?;
        }
        Ok(Parsed { condition, update })
    }
}

impl Parsed<'_> {
    /// Whether an item, or the absence of one, passes the condition.
    ///
    /// # Errors
    /// DynamoDB would refuse to compare.
    pub(crate) fn holds(&self, item: Option<&Item<'_>>) -> Result<bool, Error> {
        let nothing = Item::new();
        match &self.condition {
            Some(condition) => eval::holds(condition, item.unwrap_or(&nothing)),
            None => Ok(true),
        }
    }
}

/// The maps of a request whose expressions were printed, without those that would be empty.
pub(crate) fn placeholders(printer: &Printer<'_>) -> Vec<(&'static str, Vec<u8>)> {
    let (mut names, mut values) = (Object::default(), Object::default());
    for (placeholder, name) in printer.names() {
        let mut out = Vec::new();
        json::write_text(name, &mut out);
        names.insert(placeholder, Node::Printed(out));
    }
    for (placeholder, value) in printer.values() {
        let mut out = Vec::new();
        json::write_value(value, &mut out);
        values.insert(placeholder, Node::Printed(out));
    }
    let maps = [("ExpressionAttributeNames", names), ("ExpressionAttributeValues", values)];
    let maps = maps.into_iter().filter(|(_, map)| !map.is_empty());
    maps.map(|(name, map)| (name, map.print(&[], 256))).collect()
}

/// `ExpressionAttributeValues` of a request, kept.
///
/// # Errors
/// It is no map of attribute values.
pub(crate) fn values(text: &str) -> Result<Values<'static>, dynaseal_item::Error> {
    Ok(json::read_item(text)?.into_owned().into_iter().collect())
}
