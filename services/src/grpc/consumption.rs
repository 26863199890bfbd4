//! Load curves, as every surface shows them.

use domain::event::AccountId;
use domain::quantity::Instant;
use proto::v1::{Bar, CurveReply, CurveRequest, Step};

use super::access::Call;
use super::bills::as_of;
use super::refusal::Refusal;
use crate::desk::Desk;
use crate::query::{self, Whose};
use crate::serve::App;

/// What is watched: the last hour.
const WATCHED_S: i64 = 3_600;

fn step(step: Step) -> Result<query::Step, Refusal> {
    Ok(match step {
        Step::Minute => query::Step::Minute,
        Step::Quarter => query::Step::Quarter,
        Step::Hour => query::Step::Hour,
        Step::Day => query::Step::Day,
        Step::Unspecified => return Err(Refusal::field("step", "is not said: minute, quarter, hour or day")),
    })
}

/// The curve of a range.
pub(crate) async fn curve(app: &App, call: &Call, request: CurveRequest) -> Result<CurveReply, Refusal> {
    let (served, account) = call.account(app, &request.site, &request.account)?;
    let step = step(request.step())?;
    let (from, until) = (Instant::new(request.from_s), Instant::new(request.until_s));
    read(&served.desk, account, move |_| (from, until), step).await
}

/// The last hour by minute.
pub(super) async fn last_hour(desk: &Desk, account: AccountId) -> Result<CurveReply, Refusal> {
    let hour = |until: Instant| (until.plus(-WATCHED_S), until);
    read(desk, account, hour, query::Step::Minute).await
}

async fn read(
    desk: &Desk,
    account: AccountId,
    range: impl FnOnce(Instant) -> (Instant, Instant) + Send + 'static,
    step: query::Step,
) -> Result<CurveReply, Refusal> {
    let whose = Whose::Account(account);
    let found = query::read(desk, move |view| {
        let (from, until) = range(view.until());
        Ok((query::curve(&view, &whose, from, until, step)?, as_of(&view)))
    });
    let (curve, as_of) = found.await?;
    let bars = curve.bars.into_iter().map(|bar| Bar {
        point: bar.point,
        from_s: bar.from.get(),
        until_s: bar.until.get(),
        energy_mwh: bar.kwh.mwh,
        period: bar.period.unwrap_or_default(),
        tier: bar.tier.unwrap_or_default(),
        price: bar.price.unwrap_or_default(),
        interpolated: bar.interpolated,
    });
    Ok(CurveReply { bars: bars.collect(), total_mwh: curve.total.mwh, as_of: Some(as_of) })
}
