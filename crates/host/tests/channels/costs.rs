//! What monitoring asks: nothing of XenD, so that it cannot delay it, and names once.

use crate::support::{ALL, Mix, Requests, channels, count, open, sim};
use std::time::Duration;
use virtxen_host::{Deadlines, Error, Host};
use virtxen_sim::{Fault, Release};

#[tokio::test]
async fn a_hung_xend_delays_no_monitoring() {
    for release in Release::ALL {
        let sim = sim(release, 8);
        sim.inject(Fault::hang());
        let requests = Requests::default();
        let mut deadlines = Deadlines::default();
        deadlines.quick.first_byte = Duration::from_millis(200);
        let host = channels(&sim, ALL, deadlines, &requests)
            .await
            .open()
            .await
            .unwrap();
        let begin = std::time::Instant::now();
        let domains = host.domains().await.unwrap();
        let name = &domains[1].name;
        assert_eq!(host.domain(name).await.unwrap().name, *name);
        host.vcpus(name).await.unwrap();
        if release >= Release::V3_0_3 {
            host.scheduler(name).await.unwrap();
        }
        host.node().await.unwrap();
        assert_eq!(count(&requests.take(), "XenD"), 0);
        assert!(begin.elapsed() < Duration::from_secs(5));
        let error = host.pause(name).await.unwrap_err().to_string();
        assert!(error.contains("XenD"), "{error}");
    }
}

#[tokio::test]
async fn a_thousand_names_are_read_once() {
    let sim = sim(Release::V3_0_3, 1000);
    let requests = Requests::default();
    let host = open(&sim, ALL, &requests).await;
    requests.take();
    assert_eq!(host.domains().await.unwrap().len(), 1001);
    let cold = requests.take();
    assert_eq!(
        count(&cold, "hypercall getdomaininfolist"),
        1,
        "{:?}",
        cold.first()
    );
    assert_eq!(count(&cold, "XenD"), 0);
    let names = cold.iter().filter(|it| it.ends_with("/name")).count();
    assert_eq!(names, 1001);
    tokio::time::sleep(Duration::from_millis(50)).await;
    requests.take();
    assert_eq!(host.domains().await.unwrap().len(), 1001);
    let warm = requests.take();
    assert_eq!(warm, ["hypercall getdomaininfolist"]);
    // A change is seen, and costs one request.
    sim.xenstore().write("/local/domain/5/name", "other");
    tokio::time::sleep(Duration::from_millis(50)).await;
    let domains = host.domains().await.unwrap();
    assert!(domains.iter().any(|domain| domain.name == "other"));
    assert!(requests.take().len() <= 3);
}

#[tokio::test]
async fn one_domain_of_xenstore_alone_costs_the_names_and_itself() {
    let sim = sim(Release::V4_1, 100);
    let alone = Mix {
        hypercalls: false,
        xend: false,
        ..ALL
    };
    let requests = Requests::default();
    let host = open(&sim, alone, &requests).await;
    let all = host.domains().await.unwrap();
    let last = all.last().unwrap();
    requests.take();
    assert_eq!(&host.domain(&last.name).await.unwrap(), last);
    let made = requests.take();
    // The list of homes, each name, and what a list reads of one domain.
    assert_eq!(made.len(), 1 + all.len() + 4, "{made:?}");
    let nobody = host.domain("nobody").await;
    assert!(matches!(nobody, Err(Error::NoDomain { .. })), "{nobody:?}");
}
