//! Operations on items: single ones, batches, transactions, pages, and PartiQL. Settings stand in the order in which DynamoDB
//! tells what is wrong with them.

use super::Class::{
    Attributes, Expression, Idempotency, Item, Key, Keys, Legacy, List, Names, Object, OneOf, Parameters, Returns,
    Setting, StartKey, Statement, Table, TableLists, Tables, Token, Value, Values,
};
use super::{Handling, Member, Members, Operation, member, planned};

const NAMES: Member = member("ExpressionAttributeNames", Names);
const VALUES: Member = member("ExpressionAttributeValues", Values);
const TABLE_NAME: Member = member("TableName", Table);
const KEY: Member = member("Key", Key);
const CONDITION_EXPRESSION: Member = member("ConditionExpression", Expression);
const PROJECTION: Member = member("ProjectionExpression", Expression);
const ATTRIBUTES_TO_GET: Member = member("AttributesToGet", Attributes);
const CONSISTENT: Member = member("ConsistentRead", Setting);
const CONSUMED: Member = member("ReturnConsumedCapacity", OneOf(&["INDEXES", "TOTAL", "NONE"]));
const METRICS: Member = member("ReturnItemCollectionMetrics", OneOf(&["SIZE", "NONE"]));
const RETURNS: Member = member("ReturnValues", Returns);
const ON_FAILURE: Member = member("ReturnValuesOnConditionCheckFailure", OneOf(&["ALL_OLD", "NONE"]));
const OPERATOR: Member = member("ConditionalOperator", Setting);
const EXPECTED: Member = member("Expected", Legacy(EXPECTATION));
const PARAMETERS: Member = member("Parameters", Parameters);
const TOKEN: Member = member("ClientRequestToken", Idempotency);

const EXPECTATION: Members = &[
    member("Value", Value),
    member("Exists", Setting),
    member("ComparisonOperator", Setting),
    member("AttributeValueList", Value),
];
/// One attribute's condition in `KeyConditions`, `QueryFilter` and `ScanFilter`.
const COMPARISON: Members = &[member("AttributeValueList", Value), member("ComparisonOperator", Setting)];
const ATTRIBUTE_UPDATE: Members = &[member("Value", Value), member("Action", Setting)];

pub(super) const PUT_ITEM: Operation = planned(
    "PutItem",
    &[
        TABLE_NAME,
        member("Item", Item),
        CONDITION_EXPRESSION,
        NAMES,
        VALUES,
        EXPECTED,
        OPERATOR,
        CONSUMED,
        RETURNS,
        METRICS,
        ON_FAILURE,
    ],
);
pub(super) const GET_ITEM: Operation =
    planned("GetItem", &[TABLE_NAME, KEY, PROJECTION, NAMES, CONSISTENT, CONSUMED, ATTRIBUTES_TO_GET]);
pub(super) const DELETE_ITEM: Operation = planned(
    "DeleteItem",
    &[TABLE_NAME, KEY, CONDITION_EXPRESSION, NAMES, VALUES, EXPECTED, OPERATOR, CONSUMED, RETURNS, METRICS, ON_FAILURE],
);
pub(super) const UPDATE_ITEM: Operation = planned(
    "UpdateItem",
    &[
        TABLE_NAME,
        KEY,
        member("UpdateExpression", Expression),
        CONDITION_EXPRESSION,
        NAMES,
        VALUES,
        RETURNS,
        member("AttributeUpdates", Legacy(ATTRIBUTE_UPDATE)),
        EXPECTED,
        OPERATOR,
        ON_FAILURE,
        METRICS,
        CONSUMED,
    ],
);

pub(super) const BATCH_WRITE_ITEM: Operation =
    planned("BatchWriteItem", &[member("RequestItems", TableLists(WRITE_REQUEST)), CONSUMED, METRICS]);
/// One write of a batch.
pub(crate) const WRITE_REQUEST: Members =
    &[member("PutRequest", Object(PUT_REQUEST)), member("DeleteRequest", Object(DELETE_REQUEST))];
pub(crate) const PUT_REQUEST: Members = &[member("Item", Item)];
pub(crate) const DELETE_REQUEST: Members = &[KEY];

pub(super) const BATCH_GET_ITEM: Operation =
    planned("BatchGetItem", &[member("RequestItems", Tables(KEYS_AND_ATTRIBUTES)), CONSUMED]);
/// What a batch reads of one table.
pub(crate) const KEYS_AND_ATTRIBUTES: Members =
    &[member("Keys", Keys), PROJECTION, NAMES, CONSISTENT, ATTRIBUTES_TO_GET];

pub(super) const TRANSACT_WRITE_ITEMS: Operation =
    planned("TransactWriteItems", &[member("TransactItems", List(ACTIONS)), TOKEN, CONSUMED, METRICS]);
/// The actions of a transaction, of which each entry has one.
pub(crate) const ACTIONS: Members = &[
    member("Put", Object(PUT)),
    member("Update", Object(UPDATE)),
    member("Delete", Object(DELETE)),
    member("ConditionCheck", Object(DELETE)),
];
const PUT: Members = &[TABLE_NAME, member("Item", Item), CONDITION_EXPRESSION, NAMES, VALUES, ON_FAILURE];
const UPDATE: Members =
    &[TABLE_NAME, KEY, member("UpdateExpression", Expression), CONDITION_EXPRESSION, NAMES, VALUES, ON_FAILURE];
/// Of a check, too.
const DELETE: Members = &[TABLE_NAME, KEY, CONDITION_EXPRESSION, NAMES, VALUES, ON_FAILURE];

pub(super) const TRANSACT_GET_ITEMS: Operation =
    planned("TransactGetItems", &[member("TransactItems", List(GET)), CONSUMED]);
/// A read of a transaction.
pub(crate) const GET: Members = &[member("Get", Object(GET_PART))];
const GET_PART: Members = &[TABLE_NAME, KEY, PROJECTION, NAMES];

pub(super) const QUERY: Operation = planned(
    "Query",
    &[
        TABLE_NAME,
        member("IndexName", Setting),
        member("KeyConditionExpression", Expression),
        member("FilterExpression", Expression),
        PROJECTION,
        NAMES,
        VALUES,
        member("ExclusiveStartKey", StartKey),
        member("Limit", Setting),
        member("ScanIndexForward", Setting),
        member("Select", Setting),
        CONSISTENT,
        CONSUMED,
        ATTRIBUTES_TO_GET,
        member("KeyConditions", Legacy(COMPARISON)),
        member("QueryFilter", Legacy(COMPARISON)),
        OPERATOR,
    ],
);
pub(super) const SCAN: Operation = planned(
    "Scan",
    &[
        TABLE_NAME,
        member("IndexName", Setting),
        member("FilterExpression", Expression),
        PROJECTION,
        NAMES,
        VALUES,
        member("ExclusiveStartKey", StartKey),
        member("Limit", Setting),
        member("Segment", Setting),
        member("TotalSegments", Setting),
        member("Select", Setting),
        CONSISTENT,
        CONSUMED,
        ATTRIBUTES_TO_GET,
        member("ScanFilter", Legacy(COMPARISON)),
        OPERATOR,
    ],
);
pub(super) const SEARCH_VECTORS: Operation = Operation {
    handling: Handling::Refused {
        what: "a search for vectors is not carried out on a protected table: what it finds would come back unverified",
        instead: "read the items by Query, or keep the vectors in a table of their own",
    },
    ..planned(
        "SearchVectors",
        &[
            TABLE_NAME,
            member("IndexName", Setting),
            member("SearchVector", Value),
            member("SearchConditionExpression", Expression),
            PROJECTION,
            NAMES,
            VALUES,
            member("TopK", Setting),
            CONSUMED,
        ],
    )
};

pub(super) const EXECUTE_STATEMENT: Operation = planned(
    "ExecuteStatement",
    &[
        member("Statement", Statement),
        CONSISTENT,
        member("Limit", Setting),
        member("NextToken", Token),
        ON_FAILURE,
        CONSUMED,
        PARAMETERS,
    ],
);
pub(super) const BATCH_EXECUTE_STATEMENT: Operation =
    planned("BatchExecuteStatement", &[member("Statements", List(STATEMENT_IN_BATCH)), CONSUMED]);
pub(crate) const STATEMENT_IN_BATCH: Members = &[member("Statement", Statement), CONSISTENT, ON_FAILURE, PARAMETERS];
pub(super) const EXECUTE_TRANSACTION: Operation =
    planned("ExecuteTransaction", &[member("TransactStatements", List(STATEMENT_IN_TRANSACTION)), TOKEN, CONSUMED]);
pub(crate) const STATEMENT_IN_TRANSACTION: Members = &[member("Statement", Statement), ON_FAILURE, PARAMETERS];
