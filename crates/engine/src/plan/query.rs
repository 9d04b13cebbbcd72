//! Query and Scan.

use crate::error::Error;
use crate::expr::error::Error as Fault;
use crate::expr::key::check_filter;
use crate::expr::projection::Projection;
use crate::expr::touch::of_condition;
use crate::expressions::Expressions;

use super::scope::Scope;
use super::{Filter, IndexRead, Listing, Plan, Reply, Request, View};

/// Members that say which attributes to show.
const PROJECTIONS: [&str; 2] = ["ProjectionExpression", "AttributesToGet"];

pub(crate) fn read<'e, 'a>(mut request: Request<'e, 'a>) -> Result<Plan<'e, 'a>, Error> {
    let Some(table) = request.table()? else { return request.forward() };
    let scope = Scope { operation: request.operation, table };
    scope.known(&request.body, request.known.members)?;
    scope.start_key(&request.body)?;
    let asked = scope.key_attributes(&request.body)?;
    let key_condition = if request.operation == "Query" { Some(scope.key_condition(&request.body)?) } else { None };
    let select = request.body.text("Select").map_err(|error| request.bad(error))?.map(|select| select.into_owned());
    // A projection beside another selection is for DynamoDB to refuse, which must see both.
    let contradicts = select.as_deref().is_some_and(|select| select != "SPECIFIC_ATTRIBUTES")
        && PROJECTIONS.iter().any(|member| request.body.raw(member).is_some());
    let projection = if contradicts { None } else { scope.take_projection(&mut request.body)? };
    let filter = scope.take_filter(&mut request.body)?;
    scope.all_used(&request.body)?;
    let count_only = select.as_deref() == Some("COUNT") && !contradicts;
    // What is left must be allowed without a projection, and a filter here needs the items that it counts.
    if projection.is_some() && select.as_deref() == Some("SPECIFIC_ATTRIBUTES") || filter.is_some() && count_only {
        request.body.remove("Select");
    }
    let filter = filter.map(|expressions| Filter { expressions, count_only });
    let whole = select.as_deref() == Some("ALL_ATTRIBUTES");
    let index = index_read(&request, projection.as_ref(), filter.as_ref())?.map(|index| IndexRead { whole, ..index });
    if let (Some(filter), "Query") = (&filter, request.operation) {
        let keys = match &index {
            None => table.schema().keys().map(str::to_owned).collect(),
            // What is known of the index is what the caller asks of its key.
            Some(_) => asked,
        };
        not_on_keys(&filter.expressions, &keys).map_err(|fault| Error::expression(request.operation, fault))?;
    }
    let view = View { projection, ..View::of(table, None) };
    Ok(request.edit(Vec::new(), Reply::Items(Box::new(Listing { view, index, key_condition, filter }))))
}

/// The index that a request reads, and which attributes it is asked for here.
fn index_read(
    request: &Request<'_, '_>,
    projection: Option<&Projection>,
    filter: Option<&Filter>,
) -> Result<Option<IndexRead>, Error> {
    let index = request.body.text("IndexName").map_err(|error| request.bad(error))?;
    let (Some(index), Some(table)) = (index, request.body.raw("TableName")) else { return Ok(None) };
    let shown = projection.iter().flat_map(|projection| projection.paths()).map(|path| path.root.clone()).collect();
    let filtered = match filter {
        None => Vec::new(),
        Some(filter) => {
            let parsed = filter.expressions.parse().map_err(|fault| Error::expression(request.operation, fault))?;
            parsed.condition.iter().flat_map(of_condition).map(|touch| touch.attribute.to_owned()).collect()
        }
    };
    let (table, index) = (table.to_owned(), index.into_owned());
    Ok(Some(IndexRead { table, index, shown, filtered, is_global: false, whole: false }))
}

/// Key conditions are for the key: DynamoDB refuses a Query whose filter reads it too.
fn not_on_keys(filter: &Expressions, keys: &[String]) -> Result<(), Fault> {
    let keys: Vec<_> = keys.iter().map(String::as_str).collect();
    let name = if filter.legacy.conditions.is_some() { "QueryFilter" } else { "Filter Expression" };
    filter.parse()?.condition.iter().try_for_each(|condition| check_filter(condition, name, &keys))
}
