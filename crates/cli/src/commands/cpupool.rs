//! Commands about cpupools, named as xl names its own. libvirt has none.

use super::vcpu::{cpu_list, ranges};
use super::{Command, Group};
use crate::connect::Session;
use crate::error::{Context, Error, Result};
use crate::json;
use crate::options::{Args, DOMAIN, Kind, Opt, named, optional, required};
use crate::output::Reply;
use crate::table::{Table, clean};
use serde_json::{Value, json};
use virtxen_driver::DomainKey;

/// A cpupool that is there.
const POOL: Opt = required("pool", Kind::Text("pool"), "name or number of the cpupool");

const CPU: Opt = required("cpu", Kind::Number, "number of the processor");

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "cpupool-list",
        group: Group::Host,
        summary: "list the cpupools: processors with a scheduler of their own",
        about: "From Xen 4.1 on, by hypercalls. Domains run on the processors of their cpupool.",
        options: &[optional(
            "pool",
            Kind::Text("pool"),
            "name or number of the only one to show",
        )],
        run: |session, args| Box::pin(list(session, args)),
    },
    Command {
        name: "cpupool-create",
        group: Group::Host,
        summary: "make a cpupool",
        about: "Its processors have to be in no cpupool: cpupool-cpu-remove takes them out of \
                Pool-0 first.",
        options: &[
            required("name", Kind::Text("name"), "name of the new cpupool"),
            named(
                "sched",
                Kind::Text("scheduler"),
                "its scheduler: credit, credit2, rtds, …; else the host's",
            ),
            named("cpus", Kind::Text("list"), "its processors, such as 2-3"),
        ],
        run: |session, args| Box::pin(create(session, args)),
    },
    Command {
        name: "cpupool-destroy",
        group: Group::Host,
        summary: "remove a cpupool without domains",
        about: "Its processors are in no cpupool then.",
        options: &[POOL],
        run: |session, args| Box::pin(destroy(session, args)),
    },
    Command {
        name: "cpupool-cpu-add",
        group: Group::Host,
        summary: "give a processor that is in no cpupool to one",
        about: "",
        options: &[POOL, CPU],
        run: |session, args| Box::pin(change(session, args, true)),
    },
    Command {
        name: "cpupool-cpu-remove",
        group: Group::Host,
        summary: "take a processor out of a cpupool",
        about: "",
        options: &[POOL, CPU],
        run: |session, args| Box::pin(change(session, args, false)),
    },
    Command {
        name: "cpupool-migrate",
        group: Group::Host,
        summary: "move an active domain to a cpupool",
        about: "It may run on every processor there afterwards: pinning is forgotten.",
        options: &[DOMAIN, POOL],
        run: |session, args| Box::pin(migrate(session, args)),
    },
];

async fn list(session: &Session, args: &Args) -> Result<Reply> {
    let driver = session.driver().await?;
    let mut told = driver
        .cpu_pools()
        .await
        .context(|| "Failed to list cpupools".to_owned())?;
    if let Some(text) = args.text("pool") {
        let found = told.find(text).cloned();
        let missing = || Error::NotFound(format!("there is no cpupool '{text}'"));
        told.pools = vec![found.ok_or_else(missing)?];
    }
    let mut table =
        Table::new(&["Id", "Name", "CPUs", "Sched", "Domains"]).remark(session.remark());
    for pool in &told.pools {
        table.row(vec![
            pool.id.to_string().into(),
            clean(&pool.name).into(),
            ranges(&pool.cpus).into(),
            pool.scheduler.clone().into(),
            pool.domains.to_string().into(),
        ]);
    }
    let pools: Vec<Value> = told
        .pools
        .iter()
        .map(|pool| {
            json!({
                "id": pool.id, "name": pool.name, "scheduler": pool.scheduler,
                "domains": pool.domains, "cpus": pool.cpus,
            })
        })
        .collect();
    let json = json!({ "cpupools": pools, "free_cpus": told.free });
    Ok(Reply::new(session.marked(json)).table(table))
}

async fn create(session: &Session, args: &Args) -> Result<Reply> {
    let name = args.required("name")?;
    let driver = session.driver().await?;
    let cpus = match args.text("cpus") {
        Some(list) => {
            let node = driver.node_info().await;
            let node = node.context(|| "Failed to get node info".to_owned())?;
            cpu_list(list, node.cpus)?
        }
        None => Vec::new(),
    };
    let id = driver
        .create_cpu_pool(name, args.text("sched"), &cpus)
        .await
        .context(|| format!("Failed to create cpupool '{name}'"))?;
    let json = json!({ "cpupool": name, "id": id, "cpus": cpus });
    let line = format!("Cpupool '{}' created", clean(name));
    Ok(Reply::new(session.marked(json)).line(line))
}

async fn destroy(session: &Session, args: &Args) -> Result<Reply> {
    let pool = args.required("pool")?;
    let driver = session.driver().await?;
    driver
        .destroy_cpu_pool(pool)
        .await
        .context(|| format!("Failed to destroy cpupool '{pool}'"))?;
    let line = format!("Cpupool '{}' destroyed", clean(pool));
    Ok(Reply::new(session.marked(json!({ "cpupool": pool }))).line(line))
}

async fn change(session: &Session, args: &Args, add: bool) -> Result<Reply> {
    let pool = args.required("pool")?;
    let missing = || Error::usage("the processor is missing");
    let cpu: u32 = args.number("cpu")?.ok_or_else(missing)?;
    let driver = session.driver().await?;
    let (changed, what) = if add {
        (driver.add_to_cpu_pool(pool, cpu).await, "add to")
    } else {
        (driver.remove_from_cpu_pool(pool, cpu).await, "remove from")
    };
    changed.context(|| format!("Failed to {what} cpupool '{pool}' the processor {cpu}"))?;
    Ok(Reply::new(
        session.marked(json!({ "cpupool": pool, "cpu": cpu })),
    ))
}

async fn migrate(session: &Session, args: &Args) -> Result<Reply> {
    let pool = args.required("pool")?;
    let domain = session.domain(args).await?;
    let driver = session.driver().await?;
    driver
        .move_to_cpu_pool(&DomainKey::from(&domain), pool)
        .await
        .context(|| format!("Failed to move domain '{}' to '{pool}'", domain.name))?;
    Ok(Reply::new(json::done(&domain, "cpupool-migrate")))
}
