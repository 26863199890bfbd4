//! The same for several points: tried first, asked of exactly those, and once.

use std::net::{IpAddr, Ipv4Addr};

use anyhow::{Context as _, Result, ensure};
use domain::event::PointId;
use services::identity::Role;
use tests::http::{self, Answer};
use tests::served::{SITE, Served};

const PASSWORD: &str = "correct horse battery";

struct Manager<'s> {
    served: &'s Served,
    cookie: String,
    csrf: String,
}

impl Manager<'_> {
    fn submit(&self, form: &[(&str, &str)]) -> Result<Answer> {
        let mut fields = vec![("csrf", &*self.csrf), ("key", "k-1")];
        fields.extend(form);
        http::submit(self.served.server().http, &format!("/site/{SITE}/supply/several"), &self.cookie, &fields)
    }

    fn protected(&self) -> Result<Vec<bool>> {
        let moment = self.served.server().app.site(SITE).context("the site")?.desk.moment();
        let point = |id: &str| PointId::try_new(id).is_some_and(|id| moment.supply.point(&id).protected);
        Ok(vec![point("P-1"), point("P-2")])
    }

    fn events(&self) -> Result<u64> {
        Ok(self.served.server().app.site(SITE).context("the site")?.desk.moment().position)
    }
}

#[test]
fn several_points_are_tried_first_and_asked_once() -> Result<()> {
    let served = Served::start("", "2026-03-10T12:00:00Z");
    served.token("mia", Role::Manager, "");
    let identity = &served.server().app.identity;
    identity.password_set("mia", PASSWORD, "test")?;
    let entered = identity.sign_in("mia", PASSWORD, IpAddr::V4(Ipv4Addr::LOCALHOST))?;
    let (cookie, csrf) = (entered.cookie.expose().to_owned(), entered.session.csrf());
    let mia = Manager { served: &served, cookie, csrf };
    let before = mia.events()?;

    let tried = mia.submit(&[("act", "try"), ("do", "protect"), ("reason", "ward")])?.body;
    ensure!(tried.contains("it would be asked of 2 of 2 points") && tried.contains("value=\"P-1 P-2\""), "{tried}");
    ensure!(mia.events()? == before, "a try appends nothing");

    let one = mia.submit(&[("act", "ask"), ("do", "protect"), ("points", "P-2"), ("reason", "ward")])?.body;
    ensure!(one.contains("Asked of 1 of 1 points"), "{one}");
    ensure!(mia.protected()? == [false, true] && mia.events()? == before + 1);

    let again = mia.submit(&[("act", "ask"), ("do", "protect"), ("points", "P-2"), ("reason", "ward")])?.body;
    ensure!(again.contains("it was done once"), "{again}");
    ensure!(mia.events()? == before + 1, "a form that is sent again does nothing more");

    // One that is refused stops no other, and is said.
    let both = mia.submit(&[("act", "ask"), ("key", "k-2"), ("do", "protect"), ("reason", "ward")])?.body;
    ensure!(both.contains("Asked of 1 of 2 points"), "{both}");
    ensure!(mia.protected()? == [true, true] && mia.events()? == before + 2);

    for (field, text, said) in [
        ("points", "P-1 P-9", "P-9 is no point here"),
        ("below", "much", "That is no amount"),
        ("below", "20,00", "That is no amount"),
        ("below", "-1000", "No point fits"),
        ("state", "disconnected", "No point fits"),
    ] {
        let refused = mia.submit(&[("act", "try"), ("do", "unprotect"), (field, text), ("reason", "ward")])?.body;
        ensure!(refused.contains(said) && refused.contains(text), "{field} = {text}: {refused}");
    }
    ensure!(mia.events()? == before + 2);
    Ok(())
}
