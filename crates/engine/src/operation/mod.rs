//! The table of operations: every member of every operation of DynamoDB and DynamoDB Streams has a class, which says what
//! a caller may have put there. What has none is refused as soon as it could concern a protected table: it may be where a
//! newer DynamoDB takes values, and nobody here would seal them.

mod items;
mod lifecycle;
mod tables;
mod walk;

use dynaseal_keys::Service;

pub(crate) use items::{
    ACTIONS, DELETE_REQUEST, GET, KEYS_AND_ATTRIBUTES, PUT_REQUEST, STATEMENT_IN_BATCH, STATEMENT_IN_TRANSACTION,
    WRITE_REQUEST,
};
pub(crate) use tables::FILTER_SPECIFICATION;
pub(crate) use walk::{First, Visit, walk, walk_part};

/// An operation.
#[derive(Debug)]
pub struct Operation {
    /// The service that has it.
    pub service: Service,
    /// Its name, as in `X-Amz-Target`.
    pub name: &'static str,
    pub(crate) handling: Handling,
    pub(crate) members: Members,
}

/// What is done with an operation while a table is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Handling {
    /// It has a plan of its own.
    Planned,
    /// It carries neither items nor expressions, and passes.
    Passes,
    /// It is refused on a protected table; why, and what to do instead.
    Refused { what: &'static str, instead: &'static str },
    /// Its answer tells a client where to send its next requests, and that would be past Dynaseal.
    LeadsAway,
}

/// Members of an object.
pub(crate) type Members = &'static [Member];

/// A member and its class.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) name: &'static str,
    pub(crate) class: Class,
}

/// What a member holds.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Class {
    /// A plain setting: a text, a number or a flag that is not data.
    Setting,
    /// A plain setting that has one of these values.
    OneOf(&'static [&'static str]),
    /// Which attributes a write of one item gives back.
    Returns,
    /// A token by which DynamoDB knows a transaction again.
    Idempotency,
    /// A plain setting that is read here and not sent, so that its shape is ours to judge.
    Token,
    /// Plain settings, in a list.
    Settings,
    /// The name or ARN of a table, or the ARN of something that belongs to one.
    Table,
    /// An item to store.
    Item,
    /// The key of an item.
    Key,
    /// Keys of items, in a list.
    Keys,
    /// Where a page begins: keys of the table and of an index.
    StartKey,
    /// An expression.
    Expression,
    /// What an expression's `#names` stand for.
    Names,
    /// What an expression's `:values` stand for.
    Values,
    /// The names of attributes that are shown.
    Attributes,
    /// The name of an attribute that DynamoDB itself must read: a key's, an index's, that of time to live.
    Read,
    /// What came before expressions: an object for each attribute.
    Legacy(Members),
    /// PartiQL.
    Statement,
    /// An attribute value, or a list of them.
    Value,
    /// The values of a statement's question marks.
    Parameters,
    /// An object.
    Object(Members),
    /// A list of objects.
    List(Members),
    /// An object for each table.
    Tables(Members),
    /// A list of objects for each table.
    TableLists(Members),
}

impl Class {
    /// Whether a member of this class is a text, a number or a flag.
    pub(crate) fn is_scalar(self) -> bool {
        use Class::{Expression, Idempotency, OneOf, Read, Returns, Setting, Statement, Table};
        matches!(self, Setting | OneOf(_) | Returns | Idempotency | Table | Expression | Statement | Read)
    }

    /// Whether a member of this class may hold further members that the table names.
    pub(crate) fn is_nested(self) -> bool {
        matches!(self, Self::Legacy(_) | Self::Object(_) | Self::List(_) | Self::Tables(_) | Self::TableLists(_))
    }
}

/// The operation of a service, if it is known.
pub(crate) fn find(service: Service, name: &str) -> Option<&'static Operation> {
    let at = OPERATIONS.binary_search_by(|operation| operation.name.cmp(name)).ok()?;
    OPERATIONS.get(at).filter(|operation| operation.service == service)
}

/// The class of a member.
pub(crate) fn class_of(members: Members, name: &str) -> Option<Class> {
    members.iter().find(|member| member.name == name).map(|member| member.class)
}

const fn member(name: &'static str, class: Class) -> Member {
    Member { name, class }
}

const fn planned(name: &'static str, members: Members) -> Operation {
    Operation { service: Service::DynamoDb, name, handling: Handling::Planned, members }
}

const fn passes(name: &'static str, members: Members) -> Operation {
    Operation { service: Service::DynamoDb, name, handling: Handling::Passes, members }
}

const fn streams(operation: &Operation) -> Operation {
    let Operation { name, handling, members, .. } = *operation;
    Operation { service: Service::DynamoDbStreams, name, handling, members }
}

/// All known operations, sorted by name.
pub const OPERATIONS: &[Operation] = &[
    items::BATCH_EXECUTE_STATEMENT,
    items::BATCH_GET_ITEM,
    items::BATCH_WRITE_ITEM,
    lifecycle::CANCEL_BULK_OPERATION,
    lifecycle::CREATE_BACKUP,
    lifecycle::CREATE_GLOBAL_TABLE,
    tables::CREATE_TABLE,
    lifecycle::DELETE_BACKUP,
    items::DELETE_ITEM,
    lifecycle::DELETE_RESOURCE_POLICY,
    tables::DELETE_TABLE,
    lifecycle::DESCRIBE_BACKUP,
    lifecycle::DESCRIBE_BULK_OPERATION,
    lifecycle::DESCRIBE_CONTINUOUS_BACKUPS,
    lifecycle::DESCRIBE_CONTRIBUTOR_INSIGHTS,
    lifecycle::DESCRIBE_ENDPOINTS,
    lifecycle::DESCRIBE_EXPORT,
    lifecycle::DESCRIBE_GLOBAL_TABLE,
    lifecycle::DESCRIBE_GLOBAL_TABLE_SETTINGS,
    lifecycle::DESCRIBE_IMPORT,
    lifecycle::DESCRIBE_KINESIS_STREAMING_DESTINATION,
    lifecycle::DESCRIBE_LIMITS,
    lifecycle::DESCRIBE_STREAM,
    tables::DESCRIBE_TABLE,
    lifecycle::DESCRIBE_TABLE_REPLICA_AUTO_SCALING,
    tables::DESCRIBE_TIME_TO_LIVE,
    lifecycle::DISABLE_KINESIS_STREAMING_DESTINATION,
    lifecycle::ENABLE_KINESIS_STREAMING_DESTINATION,
    items::EXECUTE_STATEMENT,
    items::EXECUTE_TRANSACTION,
    tables::EXPORT_TABLE_TO_POINT_IN_TIME,
    items::GET_ITEM,
    lifecycle::GET_RECORDS,
    lifecycle::GET_RESOURCE_POLICY,
    lifecycle::GET_SHARD_ITERATOR,
    tables::IMPORT_TABLE,
    lifecycle::LIST_BACKUPS,
    lifecycle::LIST_BULK_OPERATIONS,
    lifecycle::LIST_CONTRIBUTOR_INSIGHTS,
    lifecycle::LIST_EXPORTS,
    lifecycle::LIST_GLOBAL_TABLES,
    lifecycle::LIST_IMPORTS,
    lifecycle::LIST_STREAMS,
    tables::LIST_TABLES,
    lifecycle::LIST_TAGS_OF_RESOURCE,
    items::PUT_ITEM,
    lifecycle::PUT_RESOURCE_POLICY,
    items::QUERY,
    tables::RESTORE_TABLE_FROM_BACKUP,
    tables::RESTORE_TABLE_TO_POINT_IN_TIME,
    items::SCAN,
    items::SEARCH_VECTORS,
    lifecycle::START_BULK_PUT_ITEMS,
    lifecycle::TAG_RESOURCE,
    items::TRANSACT_GET_ITEMS,
    items::TRANSACT_WRITE_ITEMS,
    lifecycle::UNTAG_RESOURCE,
    lifecycle::UPDATE_CONTINUOUS_BACKUPS,
    lifecycle::UPDATE_CONTRIBUTOR_INSIGHTS,
    lifecycle::UPDATE_GLOBAL_TABLE,
    lifecycle::UPDATE_GLOBAL_TABLE_SETTINGS,
    items::UPDATE_ITEM,
    lifecycle::UPDATE_KINESIS_STREAMING_DESTINATION,
    tables::UPDATE_TABLE,
    lifecycle::UPDATE_TABLE_REPLICA_AUTO_SCALING,
    tables::UPDATE_TIME_TO_LIVE,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_found_by_name_and_service() {
        assert!(OPERATIONS.is_sorted_by_key(|operation| operation.name));
        for operation in OPERATIONS {
            assert_eq!(find(operation.service, operation.name).map(|found| found.name), Some(operation.name));
        }
        assert!(find(Service::DynamoDbStreams, "PutItem").is_none());
        assert!(find(Service::DynamoDb, "GetRecords").is_none());
        assert!(find(Service::DynamoDb, "putitem").is_none() && find(Service::DynamoDb, "").is_none());
    }

    /// What every level of every operation names, and how often.
    fn each(members: Members, visit: &mut impl FnMut(&str, Class)) {
        for (at, Member { name, class }) in members.iter().enumerate() {
            assert!(members.iter().skip(at + 1).all(|other| other.name != *name), "{name} stands twice");
            visit(name, *class);
            if let Class::Legacy(inner)
            | Class::Object(inner)
            | Class::List(inner)
            | Class::Tables(inner)
            | Class::TableLists(inner) = class
            {
                each(inner, visit);
            }
        }
    }

    #[test]
    fn what_looks_like_data_is_not_taken_for_a_setting() {
        for operation in OPERATIONS {
            each(operation.members, &mut |name, class| {
                let is_setting = matches!(class, Class::Setting | Class::Settings);
                let is_data = name.ends_with("Expression")
                    || name.starts_with("ExpressionAttribute")
                    || ["Item", "Key", "Keys", "Expected", "Statement", "Parameters"].contains(&name)
                    // Where a list goes on is no table that is touched.
                    || name.ends_with("TableName") && !name.starts_with("ExclusiveStart")
                    || name == "AttributeName";
                // The key of a tag is its name.
                let is_tag = name == "Key" && operation.members.iter().any(|member| member.name == "Tags");
                assert!(!(is_setting && is_data) || is_tag, "{}: {name}", operation.name);
            });
        }
    }
}
