//! Traces, sent to a collector (OTLP): what each request and each attempt spends its time on.
//!
//! Spans that are there for traces alone have the target [`SPANS`], which the log leaves out: its lines name the
//! request or the task, and not the step. No span holds a secret; addresses of upstreams are told without their query.

use std::{
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::Duration,
};

use opentelemetry::{
    KeyValue,
    propagation::{Extractor, TextMapPropagator},
    trace::TracerProvider,
};
use opentelemetry_otlp::{Protocol, SpanExporter as Otlp, WithExportConfig};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    propagation::TraceContextPropagator,
    runtime::Tokio,
    trace::{
        Sampler, SdkTracerProvider, SpanData, SpanExporter,
        span_processor_with_async_runtime::BatchSpanProcessor,
    },
};
use tracing::{Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::{Layer, filter::filter_fn, registry::LookupSpan};

/// The target of spans that are there for traces alone.
pub const SPANS: &str = "spans";

/// Where a collector takes traces, below its address.
const TRACES: &str = "v1/traces";

/// How long a collector may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// What sends traces; shut down before the process ends, or the last ones are lost.
pub struct Traces(SdkTracerProvider);

/// What is traced, and where to.
pub struct Tracing<'a> {
    /// The collector's address.
    pub endpoint: &'a str,
    /// What this service is called there.
    pub service_name: &'a str,
    /// The part of traces that is sent.
    pub sample_ratio: f64,
}

impl Traces {
    /// Begins to send; within a runtime.
    ///
    /// # Errors
    /// The collector's address can't be used.
    pub fn start(tracing: &Tracing<'_>) -> anyhow::Result<Self> {
        let exporter = Otlp::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{}/{TRACES}", tracing.endpoint.trim_end_matches('/')))
            .with_timeout(TIMEOUT)
            .build()?;
        let processor =
            BatchSpanProcessor::builder(Telling { exporter, failed: AtomicBool::new(false) }, Tokio).build();
        let resource = Resource::builder()
            .with_service_name(tracing.service_name.to_owned())
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .with_attribute(KeyValue::new(
                "host.name",
                gethostname::gethostname().to_string_lossy().into_owned(),
            ))
            .build();
        let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(tracing.sample_ratio)));
        let provider = SdkTracerProvider::builder()
            .with_span_processor(processor)
            .with_sampler(sampler)
            .with_resource(resource)
            .build();
        Ok(Self(provider))
    }

    /// The layer that turns this program's spans into traces.
    pub fn layer<S: Subscriber + for<'a> LookupSpan<'a>>(&self) -> impl Layer<S> {
        let own =
            filter_fn(|of| of.is_span() && (of.target() == SPANS || of.target().starts_with("backfill")));
        tracing_opentelemetry::layer()
            .with_tracer(self.0.tracer("backfill"))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_filter(own)
    }

    /// Sends what has not been sent yet.
    pub fn shut_down(self) {
        if let Err(error) = self.0.shutdown() {
            tracing::warn!("the last traces could not be sent: {error}");
        }
    }
}

/// Makes a span part of the caller's trace, if its headers name one (W3C Trace Context).
pub fn follow(span: &Span, traceparent: Option<&str>, tracestate: Option<&str>) {
    let Some(traceparent) = traceparent else { return };
    let context = TraceContextPropagator::new().extract(&Headers { traceparent, tracestate });
    // Nobody is listening where no traces are sent.
    let _ = span.set_parent(context);
}

struct Headers<'a> {
    traceparent: &'a str,
    tracestate: Option<&'a str>,
}

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        match key {
            "traceparent" => Some(self.traceparent),
            "tracestate" => self.tracestate,
            _ => None,
        }
    }

    fn keys(&self) -> Vec<&str> {
        vec!["traceparent", "tracestate"]
    }
}

/// Says in the log when the collector can't be reached any more, and when it can again.
#[derive(Debug)]
struct Telling {
    exporter: Otlp,
    failed: AtomicBool,
}

impl SpanExporter for Telling {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let result = self.exporter.export(batch).await;
        match (&result, self.failed.swap(result.is_err(), Relaxed)) {
            (Err(error), false) => tracing::warn!("traces can't be sent: {error}"),
            (Ok(()), true) => tracing::info!("traces can be sent again"),
            _ => {}
        }
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}
