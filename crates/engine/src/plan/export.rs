//! Exports. What a filter of one asks, DynamoDB answers by itself, later and into a bucket, so nothing of it can be worked
//! out here.

use crate::doc::Object;
use crate::error::Error;
use crate::expr::error::Kind;
use crate::operation::FILTER_SPECIFICATION;

use super::scope::{Scope, Work};
use super::{Plan, Request};

pub(crate) fn export<'e, 'a>(request: &Request<'e, 'a>) -> Result<Plan<'e, 'a>, Error> {
    const MEMBER: &str = "FilterSpecification";
    if let Some(filter) = request.body.raw(MEMBER)
        && let Some(table) = request.named("TableArn")?
    {
        let scope = Scope { operation: request.operation, table };
        let mut filter = Object::parse(filter).map_err(|error| scope.bad(MEMBER, error))?;
        scope.known(&filter, FILTER_SPECIFICATION)?;
        scope.key_attributes(&filter)?;
        if scope.work(&filter, Kind::Filter)?.as_ref().is_some_and(Work::is_here) {
            let what = "the filter reads encrypted attributes, or compares values with each other".to_owned();
            return Err(scope.refused(what, "filter by plain attributes, or filter the export when it is opened"));
        }
        scope.all_used(&filter)?;
        // What is no projection could hold a value, and is refused without it.
        scope.take_projection(&mut filter)?;
    }
    request.forward()
}
