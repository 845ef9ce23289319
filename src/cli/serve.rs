//! `seq2seq serve`: translations for programs that ask over HTTP.

mod answer;
mod body;
mod clock;
mod connections;
mod guard;
mod known;
mod limits;
mod line;
mod logging;
mod metrics;
mod models;
mod opennmt;
mod page;
mod patient;
mod pronounce;
mod queue;
mod record;
mod refusal;
mod reply;
mod routes;
mod server;
mod stopping;
mod stream;
mod submitted;
mod translate;
mod worker;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use seq2seq::english::Pronouncer;
use tokio::net::TcpListener;
use tokio::runtime;
use tokio::sync::{Semaphore, oneshot};

use super::choice::choice;
use super::failure::{Failure, Result};
use super::options::{DeviceOptions, DictionaryFile, SearchOptions, SizeOptions};
use super::outcome::Outcome;
use connections::End;
use limits::Limits;
use logging::{LogFormat, LogLevel};
use metrics::Metrics;
use models::{Models, NamedModel};
use queue::{Bounds, Queue};
use server::Server;
use stopping::Stopping;

const EXAMPLES: &str = "\
Examples:
  seq2seq serve                                      the English model, on http://127.0.0.1:8080
  seq2seq serve --model models/mine --model ru=DIR   two models, called mine and ru
  seq2seq serve --log-format json --log-level debug  a line of JSON for each request
  curl http://127.0.0.1:8080/translate -d '{\"lines\": [\"attention\", \"colonel\"], \"beam\": 5}'
  curl http://127.0.0.1:8080/translate -d '{\"lines\": [\"attention\"], \"model\": \"ru\", \"stream\": true}'
  curl http://127.0.0.1:8080/pronounce -d '{\"lines\": [\"It’s 5 p.m.\"], \"phones\": \"ipa\"}'
  curl http://127.0.0.1:8080/translator/translate -d '[{\"src\": \"attention\", \"id\": 0}]'";

/// Answer programs over HTTP: one model on one device, many callers
///
/// POST /translate takes a JSON object: lines, and as options have them model, beam, n_best, length_penalty,
/// coverage_penalty, max_length, alignment, replace_unknown, each_word, dictionary (an object: translations of sources);
/// the answer has translations, each as `seq2seq translate --json` prints it. With "stream": true, or "Accept:
/// application/x-ndjson", it is a line for each, as they come. POST /pronounce takes lines and phones, and answers as
/// `seq2seq pronounce --json` does. GET /health, /models and /metrics (for Prometheus) say how it is; GET / is a page to
/// type into; /translator/translate and the like are those of OpenNMT-py's server. Requests that wait are translated
/// together, a share of each in turn. SIGTERM and SIGINT end it when all that it has accepted is answered, and at once
/// where they come twice. There is neither a password nor encryption: only this machine is listened to unless --listen
/// says otherwise.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// A model's directory; requests call it by the directory's name, or by NAME. Those that name none ask the first;
    /// without any, there is the English pronunciation model inside the program, g2p-en
    #[arg(long, value_name = "[NAME=]DIR")]
    model: Vec<NamedModel>,

    /// The address and port to listen to; port 0 takes one that is free
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,

    /// How many milliseconds a device that is idle waits for further requests, to translate them together. Those that
    /// come while it is busy are translated together anyway
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=60_000))]
    wait: u32,

    #[command(flatten)]
    dictionary: DictionaryFile,

    #[command(flatten)]
    search: SearchOptions,

    #[command(flatten)]
    sizes: SizeOptions,

    #[command(flatten)]
    device: DeviceOptions,

    /// How the log is written, on standard error
    #[arg(long, value_parser = choice::<LogFormat>(), default_value = "text")]
    log_format: LogFormat,

    /// How much is logged
    #[arg(long, value_parser = choice::<LogLevel>(), default_value = "info")]
    log_level: LogLevel,

    #[command(flatten)]
    limits: Limits,
}

/// How many batches are drawn at once, so that lines of one length are translated together.
const BATCHES: usize = 4;

/// Runs the command.
pub fn run(args: Args) -> Result<Outcome> {
    logging::start(args.log_format, args.log_level);
    guard::announce();
    let system = |error| Failure::Stream { name: "the system", source: error };
    let runtime =
        runtime::Builder::new_current_thread().enable_all().max_blocking_threads(2).build().map_err(system)?;
    let listen = args.listen;
    let refused = |error| Failure::Usage(format!("--listen {listen}: {error}"));
    let listener = runtime.block_on(TcpListener::bind(listen)).map_err(refused)?;

    let server = Arc::new(args.server()?);
    let (computes, device_ended) = oneshot::channel::<()>();
    let device = {
        let server = Arc::clone(&server);
        let work = move || {
            let _computes = computes;
            let _drawn = Abandoned(&server.queue);
            if let Err(error) = worker::warm_up(&server.models, &server.options) {
                tracing::warn!(%error, "the largest batch that is allowed could not be computed");
            }
            worker::work(&server.queue, &server.models, &server.metrics);
        };
        thread::Builder::new().name("device".to_owned()).spawn(work).map_err(system)?
    };

    let address = listener.local_addr().map_err(refused)?;
    let models: Vec<&str> = server.models.names().collect();
    let callers = if address.ip().is_loopback() { "this machine" } else { "whoever reaches this machine" };
    let end = runtime.block_on(async {
        // Whoever is told that it listens may ask it to stop.
        let stopping = Stopping::new(device_ended).map_err(system)?;
        tracing::info!(callers, device = server.models.device(), ?models, "listening on http://{address}");
        Result::Ok(connections::serve(&server, listener, stopping).await)
    })?;
    // Whoever is not answered by now leaves the queue with this.
    runtime.shutdown_background();
    server.queue.close();
    device.join().map_err(|_| system(io::Error::other("the thread that computes has ended")))?;
    match end {
        End::Answered => {
            tracing::info!("all that was accepted is answered");
            Ok(Outcome::Fine)
        }
        End::Hurried { connections } => {
            tracing::warn!(connections, "ended at once, as was asked for twice; some requests have no answer");
            Ok(Outcome::SomeFailed)
        }
    }
}

/// A queue from which nobody draws when this is dropped.
struct Abandoned<'a>(&'a Queue);

impl Drop for Abandoned<'_> {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

impl Args {
    /// Loads the models; what is wrong with an option is said before anybody can ask.
    fn server(self) -> Result<Server> {
        let options = self.search.options(&self.sizes);
        let models = Models::load(&self.model, &self.dictionary.read()?, &self.device)?;
        models.translator(0).prepare::<&str>(&[], &options)?;
        self.limits.check(&options, 0).map_err(Failure::Usage)?;
        self.limits.check_queue().map_err(Failure::Usage)?;
        let bounds = Bounds {
            lines: self.limits.limit_queue as usize,
            symbols: self.limits.limit_queue_symbols as usize,
            share: options.batch_size,
            drawn_lines: BATCHES * options.batch_size,
            drawn_symbols: BATCHES * options.batch_symbols,
            wait: Duration::from_millis(self.wait.into()),
        };
        let metrics = Arc::new(Metrics::new(models.names().count()));
        Ok(Server {
            models,
            queue: Arc::new(Queue::new(bounds)),
            metrics,
            limits: self.limits,
            options,
            pronouncer: Pronouncer::new()?,
            pronounces: Arc::new(Semaphore::new(1)),
        })
    }
}
