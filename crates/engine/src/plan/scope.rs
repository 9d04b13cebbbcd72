//! What the expressions of every call on a protected table are checked for: encrypted attributes, reserved names; and how a
//! projection and a filter are taken out of a request.

use std::borrow::Cow;
use std::collections::BTreeSet;

use dynaseal_item::Action;

use crate::doc::{Node, NotJson, Object, TOO_MANY, has_more_members, text};
use crate::error::Error;
use crate::expr::error::{Fault, Kind};
use crate::expr::key::KeyCondition;
use crate::expr::legacy::{LegacyCondition, LegacyUpdate};
use crate::expr::lex::used_placeholders;
use crate::expr::names::{Names, Scope as Placeholders, Values, check_maps};
use crate::expr::projection::Projection;
use crate::expr::stored::Layer;
use crate::expr::touch::{Touch, Usage, has_constant, of_condition, of_update};
use crate::expr::{condition, legacy};
use crate::expressions::{self, Expressions, Legacy};
use crate::modify::Split;
use crate::table::Table;

pub(crate) const NAMES: &str = "ExpressionAttributeNames";
pub(crate) const VALUES: &str = "ExpressionAttributeValues";
const PROJECTION: &str = "ProjectionExpression";
const ATTRIBUTES_TO_GET: &str = "AttributesToGet";
const KEY_CONDITIONS: &str = "KeyConditions";

/// What came before condition, filter and update expressions.
const LEGACY: [&str; 4] = ["Expected", "QueryFilter", "ScanFilter", UPDATES];
pub(crate) const UPDATES: &str = "AttributeUpdates";

/// More than the expressions of a request can use, each of which has at most 4 KB.
const MOST_PLACEHOLDERS: usize = 4096;

/// Expressions that stay in the request if they are still there, and so keep their names.
const STAYING: [&str; 4] = ["KeyConditionExpression", "FilterExpression", "ConditionExpression", PROJECTION];

/// All parameters that expressions replaced, and all expressions, in the order in which DynamoDB names them.
const REPLACED: [&str; 7] =
    [ATTRIBUTES_TO_GET, UPDATES, "Expected", "QueryFilter", "ScanFilter", "ConditionalOperator", KEY_CONDITIONS];
pub(super) const EXPRESSIONS: [&str; 5] =
    [PROJECTION, "UpdateExpression", "FilterExpression", "ConditionExpression", "KeyConditionExpression"];

/// What a request says in expressions or in their predecessors.
pub(crate) struct Work {
    pub(crate) expressions: Expressions,
    /// The attributes that deciding it here reads.
    pub(crate) reads: BTreeSet<String>,
    /// The attributes that it updates.
    pub(crate) updates: Vec<String>,
    /// Whether DynamoDB cannot do it: a condition reads encrypted attributes, or an update changes signed ones.
    here: bool,
}

impl Work {
    pub(crate) fn is_here(&self) -> bool {
        self.here
    }
}

/// A call on one protected table.
pub(crate) struct Scope<'e, 'o> {
    pub(crate) operation: &'o str,
    pub(crate) table: &'e Table,
}

impl Scope<'_, '_> {
    /// The condition or filter and the update of a request, if it has any, checked. What need not be done here may be left
    /// to DynamoDB: it reads nothing encrypted and changes nothing signed.
    pub(crate) fn work(&self, object: &Object<'_>, kind: Kind) -> Result<Option<Work>, Error> {
        let has = |members: &[&str]| members.iter().any(|member| object.raw(member).is_some());
        let (by_legacy, by_expression) = (has(&LEGACY), has(&[kind.member(), Kind::Update.member()]));
        let mut legacy = self.legacy(object)?;
        // An UpdateItem that updates nothing makes the item if it is not there.
        let updates_nothing = !has(&[Kind::Update.member()]) && legacy.updates.as_ref().is_none_or(Vec::is_empty);
        let bare = self.operation == "UpdateItem" && updates_nothing;
        if !(by_legacy || by_expression || bare) {
            return Ok(None);
        }
        if bare {
            legacy.updates = Some(Vec::new());
        }
        let expressions = Expressions {
            legacy,
            names: object.raw(NAMES).map(|_| self.names(object)).transpose()?,
            values: object.raw(VALUES).map(|_| self.values(object)).transpose()?,
            condition: self.member(object, kind.member())?.map(|text| (kind, text.into_owned())),
            update: self.member(object, Kind::Update.member())?.map(Cow::into_owned),
            whole: kind == Kind::Condition,
            layer: Layer::of(self.operation),
        };
        let schema = self.table.schema();
        let parsed = expressions.parse().map_err(|fault| Error::expression(self.operation, fault))?;
        let touches = parsed.condition.iter().flat_map(of_condition).collect::<Vec<_>>();
        let split = parsed.update.as_ref().map(|update| Split::of(update, schema));
        let encrypted =
            |touch: &Touch<'_>| !is_presence(touch) && schema.action(touch.attribute) == Some(Action::EncryptAndSign);
        let updates_here = split.as_ref().is_some_and(|split| bare || !split.here.is_empty());
        // A comparison of values with each other would show them to DynamoDB and needs no item.
        let has_constant = parsed.condition.as_ref().is_some_and(has_constant);
        let here = updates_here || has_constant || touches.iter().any(encrypted);
        let mut reads: BTreeSet<_> = split.into_iter().flat_map(|split| split.reads).collect();
        reads.extend(touches.iter().map(|touch| touch.attribute.to_owned()));
        let asks = LEGACY.into_iter().find(|member| *member != UPDATES && object.raw(member).is_some());
        touches.iter().try_for_each(|touch| self.is_known(asks.unwrap_or(kind.member()), touch))?;
        let updates = if object.raw(UPDATES).is_some() { UPDATES } else { Kind::Update.member() };
        let mut written = parsed.update.iter().flat_map(of_update);
        written.try_for_each(|touch| self.is_known(updates, &touch))?;
        let updates =
            parsed.update.iter().flat_map(|update| &update.actions).map(|(path, _)| path.root.clone()).collect();
        drop(parsed);
        Ok(Some(Work { expressions, reads, updates, here }))
    }

    fn legacy(&self, object: &Object<'_>) -> Result<Legacy, Error> {
        let (mut conditions, mut updates) = (None, None);
        for member in LEGACY {
            let Some(text) = object.raw(member) else { continue };
            let bad = |reason| self.bad(member, NotJson(reason));
            if member == UPDATES {
                let read = legacy::read_updates(text).map_err(bad)?;
                updates = Some(read.into_iter().map(LegacyUpdate::into_owned).collect());
            } else {
                let read = legacy::read_conditions(text).map_err(bad)?;
                conditions = Some(read.into_iter().map(LegacyCondition::into_owned).collect());
            }
        }
        let operator = self.member(object, "ConditionalOperator")?.map(Cow::into_owned);
        Ok(Legacy { conditions, operator, updates })
    }

    /// Takes a filter out of a request if it must be asked of plaintext, with the placeholders that only it used.
    pub(crate) fn take_filter(&self, object: &mut Object<'_>) -> Result<Option<Expressions>, Error> {
        let Some(Work { expressions: filter, .. }) = self.work(object, Kind::Filter)?.filter(Work::is_here) else {
            return Ok(None);
        };
        if ["QueryFilter", "ScanFilter"].iter().any(|member| object.raw(member).is_some()) {
            ["QueryFilter", "ScanFilter", "ConditionalOperator"].iter().for_each(|member| object.remove(member));
        }
        if let Some(text) = object.take_raw(Kind::Filter.member()) {
            object.remove(Kind::Filter.member());
            self.take_placeholders(object, NAMES, &text)?;
            self.take_placeholders(object, VALUES, &text)?;
        }
        Ok(Some(filter))
    }

    /// The attributes of a key condition, all of which DynamoDB can read.
    pub(crate) fn key_attributes(&self, object: &Object<'_>) -> Result<Vec<String>, Error> {
        let checked = |member, touch: &Touch<'_>| {
            self.may_read(member, touch)?;
            Ok(touch.attribute.to_owned())
        };
        if let Some(conditions) = object.raw(KEY_CONDITIONS) {
            let read = legacy::read_conditions(conditions);
            let read = read.map_err(|reason| self.bad(KEY_CONDITIONS, NotJson(reason)))?;
            let key = legacy::key_conditions(&read).map_err(|error| self.invalid_expression(error))?;
            let touch = |attribute| Touch { attribute, nested: false, usage: Usage::Read, compared: false };
            return key.clauses.iter().map(|(attribute, _)| checked(KEY_CONDITIONS, &touch(attribute))).collect();
        }
        let member = Kind::KeyCondition.member();
        let Some(expression) = self.member(object, member)? else { return Ok(Vec::new()) };
        // Looked up, values too: what stands for nothing would be refused by DynamoDB with the word itself.
        let (names, values) = (self.names(object)?, self.values(object)?);
        let read = condition::parse(&expression, Kind::KeyCondition, &mut Placeholders::new(&names, &values));
        let read = read.map_err(|error| self.invalid_expression(error))?;
        if has_constant(&read) {
            // It is no key condition, and DynamoDB must not see what it compares.
            KeyCondition::of(&read).map_err(|fault| self.invalid(Some(Kind::KeyCondition), fault))?;
        }
        of_condition(&read).iter().map(|touch| checked(member, touch)).collect()
    }

    /// The key condition of a Query, to be asked of what comes back.
    pub(crate) fn key_condition(&self, object: &Object<'_>) -> Result<Expressions, Error> {
        if let Some(conditions) = object.raw(KEY_CONDITIONS) {
            let read = legacy::read_conditions(conditions);
            let read = read.map_err(|reason| self.bad(KEY_CONDITIONS, NotJson(reason)))?;
            let conditions = Some(read.into_iter().map(LegacyCondition::into_owned).collect());
            return Ok(Expressions { legacy: Legacy { conditions, ..Legacy::default() }, ..Expressions::default() });
        }
        let kind = Kind::KeyCondition;
        Ok(Expressions {
            names: object.raw(NAMES).map(|_| self.names(object)).transpose()?,
            values: object.raw(VALUES).map(|_| self.values(object)).transpose()?,
            condition: self.member(object, kind.member())?.map(|text| (kind, text.into_owned())),
            ..Expressions::default()
        })
    }

    /// Takes the projection out of a request, so that whole items come back. Names that only the projection used go
    /// with it, since DynamoDB refuses unused ones.
    pub(crate) fn take_projection(&self, object: &mut Object<'_>) -> Result<Option<Projection>, Error> {
        let expression = object.take_raw(PROJECTION);
        let attributes = object.take_raw(ATTRIBUTES_TO_GET);
        let projection = match (&expression, &attributes) {
            (None, None) => return Ok(None),
            (Some(expression), _) => self.projection(object, expression)?,
            (None, Some(names)) => {
                let bad = |reason| self.bad(ATTRIBUTES_TO_GET, NotJson(reason));
                let names = legacy::read_attributes(names).map_err(bad)?;
                legacy::attributes_to_get(names).map_err(|error| self.invalid_expression(error))?
            }
        };
        object.remove(PROJECTION);
        object.remove(ATTRIBUTES_TO_GET);
        if let Some(expression) = expression {
            self.take_placeholders(object, NAMES, &expression)?;
        }
        Ok(Some(projection))
    }

    pub(crate) fn refused(&self, what: String, instead: &'static str) -> Error {
        let (operation, table) = (self.operation.to_owned(), self.table.name().to_owned());
        Error::Refused { operation, table, what, instead }
    }

    pub(crate) fn bad(&self, member: &str, error: NotJson) -> Error {
        Error::member(self.operation, member, error)
    }

    fn projection(&self, object: &Object<'_>, expression: &str) -> Result<Projection, Error> {
        let expression = text(expression).map_err(|error| self.bad(PROJECTION, error))?;
        let (names, values) = (self.names(object)?, Values::new());
        let given = object.raw(NAMES).map(|_| &names);
        check_maps(given, None, Layer::of(self.operation)).map_err(|error| self.invalid_expression(error))?;
        Projection::parse(&expression, &mut Placeholders::new(&names, &values))
            .map_err(|error| self.invalid_expression(error))
    }

    /// Removes the placeholders that only `leaving`, an expression that was taken out, used.
    fn take_placeholders(&self, object: &mut Object<'_>, map: &'static str, leaving: &str) -> Result<(), Error> {
        let Some(all) = object.take_raw(map) else { return Ok(()) };
        let mut staying = BTreeSet::new();
        for member in STAYING {
            if let Some(expression) = self.member(object, member)? {
                staying.extend(used_placeholders(&expression).map(str::to_owned));
            }
        }
        let leaving = text(leaving).map_err(|error| self.bad(map, error))?;
        let going: BTreeSet<_> = used_placeholders(&leaving).collect();
        let mut kept = Object::parse(&all).map_err(|error| self.bad(map, error))?;
        let goes = |name: &&str| going.contains(*name) && !staying.contains(*name);
        let goes: Vec<_> = kept.names().filter(goes).map(str::to_owned).collect();
        goes.iter().for_each(|name| kept.remove(name));
        if kept.is_empty() {
            object.remove(map);
        } else {
            let kept = kept.print(&[], all.len());
            object.set(map, Node::Raw(String::from_utf8_lossy(&kept).into_owned().into()));
        }
        Ok(())
    }

    /// DynamoDB's refusal of the request, in its words.
    pub(super) fn invalid(&self, expression: Option<Kind>, fault: Fault) -> Error {
        self.invalid_expression(crate::expr::error::Error { expression, fault })
    }

    fn invalid_expression(&self, fault: crate::expr::error::Error) -> Error {
        Error::expression(self.operation, fault)
    }

    /// Whether DynamoDB itself can read an attribute: it sees only what is stored.
    fn may_read(&self, member: &str, touch: &Touch<'_>) -> Result<(), Error> {
        self.is_known(member, touch)?;
        let name = touch.attribute;
        match self.table.schema().action(name) {
            Some(Action::EncryptAndSign) if !is_presence(touch) => Err(self.refused(
                format!("{member} reads \"{}\", which is encrypted", touch.shown()),
                "move it to FilterExpression, which is asked of plaintext, or make the attribute sign_only",
            )),
            _ => Ok(()),
        }
    }

    /// Whether an attribute may be named at all.
    fn is_known(&self, member: &str, touch: &Touch<'_>) -> Result<(), Error> {
        let name = touch.attribute;
        if name.starts_with("aws_dbe_") {
            return Err(self.reserved(member, name));
        }
        match self.table.schema().action(name) {
            None if !is_presence(touch) => Err(self.refused(
                format!("{member} touches \"{}\", which has no configured action", touch.shown()),
                "list the attribute in the table's configuration",
            )),
            _ => Ok(()),
        }
    }

    fn reserved(&self, member: &str, name: &str) -> Error {
        self.refused(
            format!("{member} touches \"{name}\", which belongs to the format"),
            "names starting with aws_dbe_ cannot be used in requests",
        )
    }

    fn names(&self, object: &Object<'_>) -> Result<Names<'static>, Error> {
        let Some(raw) = object.raw(NAMES) else { return Ok(Names::new()) };
        let bad = |error| self.bad(NAMES, error);
        if has_more_members(raw, MOST_PLACEHOLDERS) {
            return Err(bad(TOO_MANY));
        }
        let map = Object::parse(raw).map_err(bad)?;
        let entry =
            |(name, value): (&str, &str)| Ok((Cow::Owned(name.to_owned()), Cow::Owned(text(value)?.into_owned())));
        map.entries().map(entry).collect::<Result<_, _>>().map_err(bad)
    }

    fn values(&self, object: &Object<'_>) -> Result<Values<'static>, Error> {
        let text = object.raw(VALUES).unwrap_or("{}");
        if has_more_members(text, MOST_PLACEHOLDERS) {
            return Err(self.bad(VALUES, TOO_MANY));
        }
        expressions::values(text).map_err(|error| Error::values(self.operation, VALUES, &error))
    }

    fn member<'o>(&self, object: &'o Object<'_>, member: &str) -> Result<Option<Cow<'o, str>>, Error> {
        object.text(member).map_err(|error| self.bad(member, error))
    }
}

/// Refuses expressions beside what they replaced, in one object or in several of a request. DynamoDB does, but some of
/// them do not reach it.
pub(crate) fn not_mixed(operation: &str, objects: &[&Object<'_>]) -> Result<(), Error> {
    let given = |name: &&str| objects.iter().any(|object| object.raw(name).is_some());
    // `KeyConditions` may stand beside a filter or a projection.
    let excluded = |name: &&str| *name != KEY_CONDITIONS || given(&Kind::KeyCondition.member());
    let replaced: Vec<_> = REPLACED.into_iter().filter(given).filter(excluded).collect();
    let expressions: Vec<_> = EXPRESSIONS.into_iter().filter(given).collect();
    if replaced.is_empty() || expressions.is_empty() {
        return Ok(());
    }
    let text = format!(
        "Can not use both expression and non-expression parameters in the same request: Non-expression parameters: \
         {{{}}} Expression parameters: {{{}}}",
        replaced.join(", "),
        expressions.join(", "),
    );
    Err(Error::expression(operation, crate::expr::error::Error { expression: None, fault: Fault::Parameter(text) }))
}

/// Whether only the presence of the attribute itself is asked for, which DynamoDB sees though it is encrypted.
fn is_presence(touch: &Touch<'_>) -> bool {
    touch.usage == Usage::Presence && !touch.nested
}
