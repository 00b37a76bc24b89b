//! Disturbances at random points.

use std::{
    fmt,
    time::{Duration, Instant},
};

use rand::{
    RngExt,
    rngs::StdRng,
    seq::{IndexedRandom, SliceRandom},
};

use crate::{
    cluster::{Cluster, LEASE},
    postgres::Server,
    worker::Worker,
    workload::Batch,
};

/// Work is given out so that there are always more open tasks than this.
const ENOUGH: i64 = 12;

/// What was done to the workers and their database.
#[derive(Debug, Default)]
pub(crate) struct Done {
    pub(crate) kills: usize,
    /// Stops after which the worker went on within its lease.
    pub(crate) short_stops: usize,
    pub(crate) stops_past_the_lease: usize,
    pub(crate) restarts: usize,
}

/// How much to do.
#[derive(Clone, Copy)]
pub(crate) struct Wanted<'a> {
    /// Kills and stops.
    pub(crate) of_workers: usize,
    /// The server to restart, and how often.
    pub(crate) restarts: Option<(&'a Server, usize)>,
}

/// What can be done to a worker.
#[derive(Clone, Copy)]
enum How {
    Kill,
    ShortStop,
    LongStop,
}

impl How {
    /// How often each comes, in every so many.
    const SHARES: [Self; 6] =
        [Self::Kill, Self::Kill, Self::ShortStop, Self::LongStop, Self::LongStop, Self::LongStop];
}

impl Done {
    const fn count(&mut self, how: How) {
        match how {
            How::Kill => self.kills += 1,
            How::ShortStop => self.short_stops += 1,
            How::LongStop => self.stops_past_the_lease += 1,
        }
    }

    pub(crate) const fn of_workers(&self) -> usize {
        self.kills + self.short_stops + self.stops_past_the_lease
    }

    /// Restarts are spread evenly over the disturbances of workers.
    const fn restart_is_due(&self, of_workers: usize, restarts: usize) -> bool {
        self.restarts < restarts && self.restarts * of_workers <= self.of_workers() * restarts
    }

    fn reaches(&self, wanted: Wanted<'_>) -> bool {
        self.of_workers() >= wanted.of_workers
            && wanted.restarts.is_none_or(|(_, restarts)| self.restarts >= restarts)
    }
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kills, short_stops, stops_past_the_lease, restarts } = self;
        write!(
            f,
            "{kills} kills, {stops_past_the_lease} stops past the lease, {short_stops} shorter ones, {restarts} restarts"
        )
    }
}

/// Disturbs the workers until enough was done, giving out work all the while. Returns what was given out.
pub(crate) async fn disturb(
    cluster: &mut Cluster,
    random: &mut StdRng,
    wanted: Wanted<'_>,
    batches: impl Iterator<Item = Batch>,
) -> (Done, Vec<Batch>) {
    let (mut done, mut given, mut batches) = (Done::default(), Vec::new(), batches.fuse());
    let mut deck = Vec::new();
    let (mut all_worked, mut next) = (false, Instant::now());
    while !done.reaches(wanted) {
        if cluster.open_tasks().await < ENOUGH {
            let batch = batches.next().expect("more work than disturbances");
            cluster.create(&batch).await;
            given.push(batch);
        }
        for worker in &mut cluster.workers {
            if worker.stopped_until.is_some_and(|until| until <= Instant::now()) {
                worker.go_on();
            }
        }
        // Before each has begun something, there may be nothing to disturb it in the middle of.
        if !all_worked {
            let worked = cluster.count("SELECT count(DISTINCT worker) FROM task_attempts").await;
            all_worked = worked >= cluster.workers.len() as i64;
        }
        if all_worked && next <= Instant::now() {
            match wanted.restarts.filter(|(_, restarts)| done.restart_is_due(wanted.of_workers, *restarts)) {
                Some((server, _)) => restart(server, random, &mut done).await,
                _ => {
                    let how = deck.pop().unwrap_or_else(|| {
                        deck = How::SHARES.to_vec();
                        deck.shuffle(random);
                        How::Kill
                    });
                    match disturb_worker(cluster, how, random).await {
                        true => done.count(how),
                        false => deck.push(how),
                    }
                }
            }
            // A task is given up once ten workers in a row were lost with it; somebody must get on meanwhile.
            let pause = 4000 / cluster.workers.len() as u64;
            next = Instant::now() + Duration::from_millis(random.random_range(30..pause));
        }
        tokio::time::sleep(Duration::from_millis(10)).await; // waits for the next point in time, which is random
    }
    for worker in &mut cluster.workers {
        if worker.stopped_until.is_some() {
            worker.go_on();
        }
    }
    (done, given)
}

/// Kills or stops a worker that is not stopped, if there is one.
async fn disturb_worker(cluster: &mut Cluster, how: How, random: &mut StdRng) -> bool {
    let running = cluster.workers.iter().enumerate().filter(|(_, worker)| worker.stopped_until.is_none());
    let running: Vec<_> = running.map(|(number, _)| number).collect();
    let Some(&number) = running.choose(random) else { return false };
    cluster.workers[number].assert_runs();
    let part_of_lease = match how {
        How::Kill => {
            let successor = Worker::start(&cluster.folder, number);
            std::mem::replace(&mut cluster.workers[number], successor).kill().await;
            return true;
        }
        How::ShortStop => random.random_range(0.1..0.8),
        How::LongStop => random.random_range(1.1..1.8),
    };
    cluster.workers[number].stop(LEASE.mul_f64(part_of_lease));
    true
}

/// Breaks every connection and every transaction, and leaves everybody without a database for a while.
async fn restart(server: &Server, random: &mut StdRng, done: &mut Done) {
    server.stop();
    let pause = Duration::from_millis(random.random_range(0..1500));
    tokio::time::sleep(pause).await; // waits for workers to notice that there is no database
    server.start();
    done.restarts += 1;
}
