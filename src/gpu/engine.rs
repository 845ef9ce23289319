//! How recordings are run: submission, readback, and what the device says when it fails.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_intrusive::channel::shared::{OneshotReceiver, oneshot_channel};

use super::adapters::Opened;
use super::memory::{Memory, Pool};
use super::pipelines::Pipelines;
use super::recording::{Dispatch, Recording};
use crate::backend::Counters;
use crate::memory;
use crate::{Error, Result};

/// Dispatches of one submission at most: more are split, so that none keeps the device longer than its watchdog allows.
const DISPATCHES_PER_SUBMIT: usize = 1024;

/// Dispatches after which hardware that may be idle is given what was recorded; after twice as many the next time.
const FIRST_DISPATCHES: usize = 16;

/// The distance of two `Params` in the uniform buffer: what every adapter can address.
const PARAMS_STRIDE: usize = 256;

/// A device with its queue, its memory and what is waiting to be run.
#[derive(Debug)]
pub struct Engine {
    opened: Opened,
    pool: Arc<Pool>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    recording: Recording,
    /// Dispatches that are submitted without being asked for.
    enough: usize,
    pipelines: Pipelines,
    params: Option<(wgpu::Buffer, wgpu::BindGroup)>,
    staging: Vec<wgpu::Buffer>,
    timer: Option<Timer>,
    counters: Counters,
}

/// How finely the device's clock is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grain {
    /// A pass at a time: all that is submitted at once.
    Passes,
    /// A dispatch at a time, each in a pass of its own, which takes longer.
    Dispatches,
}

/// How many dispatches an idle device is given first. On a processor it would only get in the way of recording.
fn first_dispatches(opened: &Opened) -> usize {
    if opened.adapter.kind.is_hardware() { FIRST_DISPATCHES } else { DISPATCHES_PER_SUBMIT }
}

/// Timestamps around every pass while it runs.
#[derive(Debug)]
struct Timer {
    queries: wgpu::QuerySet,
    resolved: wgpu::Buffer,
    readable: wgpu::Buffer,
    running: Option<Grain>,
    /// What the passes since it began have run: the stem of the last dispatch of each.
    passes: Vec<&'static str>,
    /// Whether passes went by that were not timed, because there were too many.
    missed: bool,
}

impl Timer {
    /// Passes that can be timed at once: as many as the largest set of queries has room for.
    const PASSES: usize = wgpu::QUERY_SET_MAX_QUERIES as usize / 2;

    fn new(device: &wgpu::Device) -> Self {
        let count = wgpu::QUERY_SET_MAX_QUERIES;
        let descriptor = wgpu::QuerySetDescriptor { label: Some("timer"), ty: wgpu::QueryType::Timestamp, count };
        let buffer = |usage| {
            let size = u64::from(count) * 8;
            let label = Some("timestamps");
            let usage = usage | wgpu::BufferUsages::COPY_DST;
            device.create_buffer(&wgpu::BufferDescriptor { label, size, usage, mapped_at_creation: false })
        };
        Self {
            queries: device.create_query_set(&descriptor),
            resolved: buffer(wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC),
            readable: buffer(wgpu::BufferUsages::MAP_READ),
            running: None,
            passes: Vec::new(),
            missed: false,
        }
    }

    /// The timestamps of the next pass, where it is timed.
    fn next(&mut self, kernel: &'static str) -> Option<wgpu::ComputePassTimestampWrites<'_>> {
        self.running?;
        if self.passes.len() == Self::PASSES {
            self.missed = true;
            return None;
        }
        let first = 2 * self.passes.len() as u32;
        self.passes.push(kernel);
        Some(wgpu::ComputePassTimestampWrites {
            query_set: &self.queries,
            beginning_of_pass_write_index: Some(first),
            end_of_pass_write_index: Some(first + 1),
        })
    }
}

/// A buffer that the host reads, on its way there.
#[derive(Debug)]
struct Mapping {
    buffer: wgpu::Buffer,
    bytes: u64,
    done: OneshotReceiver<std::result::Result<(), wgpu::BufferAsyncError>>,
}

impl Mapping {
    /// Asks for the first `bytes` of a buffer.
    fn begin(buffer: &wgpu::Buffer, bytes: u64) -> Self {
        let (sender, done) = oneshot_channel();
        buffer.map_async(wgpu::MapMode::Read, ..bytes, move |result| {
            // The receiver may be gone where the caller has lost interest.
            let _ = sender.send(result);
        });
        Self { buffer: buffer.clone(), bytes, done }
    }

    /// The bytes, once they are there.
    async fn finish(self, opened: &Opened) -> Result<Vec<u8>> {
        match self.done.receive().await {
            Some(Ok(())) => {}
            _ => return Err(opened.failure("the readback was cancelled")),
        }
        let view = self.buffer.get_mapped_range(..self.bytes).map_err(|error| opened.failure(error))?;
        let data = view.to_vec();
        drop(view);
        self.buffer.unmap();
        Ok(data)
    }
}

impl Engine {
    /// An engine on an open device.
    pub fn new(opened: Opened) -> Self {
        let device = &opened.device;
        let pipelines = Pipelines::new(device, opened.choices.immediates);
        let params = pipelines.params_layout().map(|layout| {
            let size = (DISPATCHES_PER_SUBMIT * PARAMS_STRIDE) as u64;
            let usage = wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST;
            let descriptor = wgpu::BufferDescriptor { label: Some("params"), size, usage, mapped_at_creation: false };
            let buffer = device.create_buffer(&descriptor);
            let resource = wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                buffer: &buffer,
                offset: 0,
                size: std::num::NonZeroU64::new(super::recording::PARAMS_SIZE as u64),
            });
            let entries = &[wgpu::BindGroupEntry { binding: 0, resource }];
            let group = device.create_bind_group(&wgpu::BindGroupDescriptor { label: None, layout, entries });
            (buffer, group)
        });
        let state = State {
            recording: Recording::default(),
            enough: first_dispatches(&opened),
            pipelines,
            params,
            staging: Vec::new(),
            timer: None,
            counters: Counters::default(),
        };
        let pool = Arc::new(Pool::new(opened.max_binding()));
        Self { opened, pool, state: Mutex::new(state) }
    }

    /// The device and what it can do.
    pub fn opened(&self) -> &Opened {
        &self.opened
    }

    /// Memory for `bytes`, all zero.
    pub fn zeroed(&self, bytes: u64, what: &str) -> Result<Arc<Memory>> {
        let (memory, used) = self.take(bytes, what)?;
        if used {
            self.lock().recording.clears.push(Arc::clone(&memory));
        }
        Ok(memory)
    }

    /// Memory for `bytes`, holding anything: for what is written in full before it is read.
    pub fn scratch(&self, bytes: u64, what: &str) -> Result<Arc<Memory>> {
        Ok(self.take(bytes, what)?.0)
    }

    /// Memory that holds `data`.
    pub fn upload(&self, data: &[u8], what: &str) -> Result<Arc<Memory>> {
        let (memory, _) = self.take(data.len() as u64, what)?;
        self.opened.queue.write_buffer(memory.buffer(), memory.range().offset, data);
        self.lock().counters.bytes_up += data.len() as u64;
        Ok(memory)
    }

    /// Replaces what a memory holds, for whatever is asked from now on.
    pub fn write(&self, memory: &Memory, data: &[u8]) -> Result<()> {
        let mut state = self.lock();
        // The queue writes before the next submission: what was asked for earlier must not see it, nor clear it away.
        if state.recording.uses(memory.range().id) {
            self.submit(&mut state, &[])?;
        }
        self.opened.queue.write_buffer(memory.buffer(), memory.range().offset, data);
        state.counters.bytes_up += data.len() as u64;
        Ok(())
    }

    fn take(&self, bytes: u64, what: &str) -> Result<(Arc<Memory>, bool)> {
        let limit = self.opened.max_binding();
        if bytes > limit {
            let adapter = self.opened.adapter.name.clone();
            return Err(Error::TooLarge { adapter, what: what.to_owned(), bytes, limit });
        }
        if self.pool.bytes_with(bytes) > memory::limit() {
            self.finish()?;
            self.pool.trim();
            let held = self.pool.bytes_with(bytes) - bytes;
            if held + bytes > memory::limit() {
                return Err(self.out_of_memory(bytes, what, Some(memory::limit().saturating_sub(held))));
            }
        }
        let mut taken = self.pool.take(&self.opened.device, bytes);
        if self.opened.ran_out_of_memory() {
            drop(taken);
            self.finish()?;
            self.pool.trim();
            taken = self.pool.take(&self.opened.device, bytes);
            if self.opened.ran_out_of_memory() {
                drop(taken);
                self.pool.trim();
                return Err(self.out_of_memory(bytes, what, None));
            }
        }
        self.opened.check()?;
        Ok(taken)
    }

    fn out_of_memory(&self, bytes: u64, what: &str, most: Option<u64>) -> Error {
        let device = format!("GPU {}", self.opened.adapter.name);
        Error::OutOfMemory { device, what: what.to_owned(), bytes, most }
    }

    /// Adds a dispatch to what is waiting to be run.
    ///
    /// Recording a dispatch takes a processor about as long as a small one takes a GPU, so that begins before all is
    /// recorded, and is given more each time.
    pub fn dispatch(&self, dispatch: Dispatch) -> Result<()> {
        let mut state = self.lock();
        state.recording.dispatches.push(dispatch);
        if state.recording.dispatches.len() >= state.enough {
            state.enough = (2 * state.enough).min(DISPATCHES_PER_SUBMIT);
            self.submit(&mut state, &[])?;
        }
        Ok(())
    }

    /// Runs everything that waits, then reads the first `bytes` of each memory.
    pub async fn read(&self, parts: &[(&Memory, u64)]) -> Result<Vec<Vec<u8>>> {
        let (staging, submission) = self.submit(&mut self.lock(), parts)?;
        let mappings: Vec<_> =
            staging.iter().zip(parts).map(|(buffer, (_, bytes))| Mapping::begin(buffer, *bytes)).collect();
        self.wait(submission)?;
        let mut data = Vec::with_capacity(parts.len());
        for mapping in mappings {
            data.push(mapping.finish(&self.opened).await?);
        }
        let mut state = self.lock();
        state.enough = first_dispatches(&self.opened);
        state.counters.bytes_down += parts.iter().map(|(_, bytes)| bytes).sum::<u64>();
        state.staging.extend(staging);
        drop(state);
        self.opened.check()?;
        Ok(data)
    }

    /// Begins to time what is run, where the device has a clock.
    pub fn start_timing(&self, grain: Grain) -> Result<()> {
        let mut state = self.lock();
        // What was asked for before is not timed.
        self.submit(&mut state, &[])?;
        if self.opened.choices.timestamps {
            let timer = state.timer.get_or_insert_with(|| Timer::new(&self.opened.device));
            timer.passes.clear();
            (timer.running, timer.missed) = (Some(grain), false);
        }
        Ok(())
    }

    /// How long each pass took since timing began, with the stem of its last dispatch; `None` where that is not known.
    pub async fn stop_timing(&self) -> Result<Option<Vec<(&'static str, Duration)>>> {
        let Opened { device, queue, .. } = &self.opened;
        let (passes, submission, mapping) = {
            let mut state = self.lock();
            self.submit(&mut state, &[])?;
            let Some(timer) = state.timer.as_mut() else { return Ok(None) };
            if timer.running.take().is_none() || timer.missed {
                return Ok(None);
            }
            let passes = std::mem::take(&mut timer.passes);
            if passes.is_empty() {
                return Ok(Some(Vec::new()));
            }
            let (count, bytes) = (2 * passes.len() as u32, 16 * passes.len() as u64);
            let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            encoder.resolve_query_set(&timer.queries, 0..count, &timer.resolved, 0);
            encoder.copy_buffer_to_buffer(&timer.resolved, 0, &timer.readable, 0, bytes);
            let submission = queue.submit([encoder.finish()]);
            (passes, submission, Mapping::begin(&timer.readable, bytes))
        };
        self.wait(Some(submission))?;
        let stamps: Vec<u64> = bytemuck::pod_collect_to_vec(&mapping.finish(&self.opened).await?);
        let period = f64::from(queue.get_timestamp_period());
        let times = stamps.chunks_exact(2).map(|pass| pass[1].saturating_sub(pass[0]) as f64 * period);
        Ok(Some(passes.into_iter().zip(times.map(|nanoseconds| Duration::from_nanos(nanoseconds as u64))).collect()))
    }

    /// Hands everything that waits to the device, without waiting for it.
    pub fn start(&self) -> Result<()> {
        self.submit(&mut self.lock(), &[]).map(|_| ())
    }

    /// Runs everything that waits, and waits for it.
    pub fn finish(&self) -> Result<()> {
        let (_, submission) = self.submit(&mut self.lock(), &[])?;
        self.wait(submission)?;
        self.lock().enough = first_dispatches(&self.opened);
        self.opened.check()
    }

    /// What the device has been asked to do.
    pub fn counters(&self) -> Counters {
        let state = self.lock();
        Counters {
            buffers: state.counters.buffers + self.pool.created(),
            pipelines: state.pipelines.pipelines_created,
            bind_groups: state.pipelines.bind_groups_created,
            ..state.counters
        }
    }

    fn wait(&self, submission_index: Option<wgpu::SubmissionIndex>) -> Result<()> {
        let Some(submission_index) = submission_index else { return Ok(()) };
        let poll = wgpu::PollType::Wait { submission_index: Some(submission_index), timeout: None };
        self.opened.device.poll(poll).map(|_| ()).map_err(|error| self.opened.failure(error))
    }

    /// Submits the recording, with copies of `parts` into buffers that the host can map.
    fn submit(
        &self,
        state: &mut State,
        parts: &[(&Memory, u64)],
    ) -> Result<(Vec<wgpu::Buffer>, Option<wgpu::SubmissionIndex>)> {
        if state.recording.is_empty() && parts.is_empty() {
            return Ok((Vec::new(), None));
        }
        let Opened { device, queue, .. } = &self.opened;
        state.pipelines.forget(&self.pool.dropped());
        let recording = std::mem::take(&mut state.recording);
        let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        for memory in &recording.clears {
            let range = memory.range();
            encoder.clear_buffer(memory.buffer(), range.offset, Some(range.size));
        }
        if !recording.dispatches.is_empty() {
            self.encode(state, &recording.dispatches, &mut encoder)?;
        }
        let staging: Vec<_> = parts.iter().map(|(_, bytes)| self.staging(state, *bytes)).collect();
        for ((memory, bytes), staging) in parts.iter().zip(&staging) {
            encoder.copy_buffer_to_buffer(memory.buffer(), memory.range().offset, staging, 0, *bytes);
        }
        let index = queue.submit([encoder.finish()]);
        state.counters.submits += 1;
        self.opened.check()?;
        Ok((staging, Some(index)))
    }

    /// All dispatches: one pass, unless each is timed.
    fn encode(&self, state: &mut State, dispatches: &[Dispatch], encoder: &mut wgpu::CommandEncoder) -> Result<()> {
        let Opened { device, queue, .. } = &self.opened;
        let mut ready = Vec::with_capacity(dispatches.len());
        for dispatch in dispatches {
            let pipeline = state.pipelines.pipeline(device, &dispatch.kernel)?;
            let group = state.pipelines.bind_group(device, &pipeline, &dispatch.buffers);
            ready.push((pipeline.pipeline, group));
        }
        if let Some((buffer, _)) = &state.params {
            let mut bytes = vec![0; dispatches.len() * PARAMS_STRIDE];
            for (place, dispatch) in bytes.chunks_exact_mut(PARAMS_STRIDE).zip(dispatches) {
                place[..dispatch.params.0.len()].copy_from_slice(&dispatch.params.0);
            }
            queue.write_buffer(buffer, 0, &bytes);
            state.counters.bytes_up += bytes.len() as u64;
        }
        let one_by_one = state.timer.as_ref().is_some_and(|timer| timer.running == Some(Grain::Dispatches));
        let passes = dispatches.chunks(if one_by_one { 1 } else { dispatches.len() });
        state.counters.passes += passes.len() as u64;
        let mut places = (0..).step_by(PARAMS_STRIDE);
        let mut ready = ready.iter();
        for dispatches in passes {
            let last = dispatches[dispatches.len() - 1].kernel.shader.stem;
            let timestamp_writes = state.timer.as_mut().and_then(|timer| timer.next(last));
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor { label: None, timestamp_writes });
            for ((dispatch, place), (pipeline, group)) in dispatches.iter().zip(&mut places).zip(&mut ready) {
                pass.set_pipeline(pipeline);
                pass.set_bind_group(0, group, &[]);
                match &state.params {
                    Some((_, params)) => pass.set_bind_group(1, params, &[place]),
                    None => pass.set_immediates(0, &dispatch.params.0[..dispatch.params.1]),
                }
                let [x, y, z] = dispatch.workgroup_count;
                pass.dispatch_workgroups(x, y, z);
            }
        }
        state.counters.dispatches += dispatches.len() as u64;
        Ok(())
    }

    /// A buffer that the host can map, of at least `bytes`.
    fn staging(&self, state: &mut State, bytes: u64) -> wgpu::Buffer {
        let size = super::memory::size_class(bytes, self.opened.max_binding());
        if let Some(found) = state.staging.iter().position(|buffer| buffer.size() == size) {
            return state.staging.swap_remove(found);
        }
        state.counters.buffers += 1;
        let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
        let descriptor = wgpu::BufferDescriptor { label: Some("readback"), size, usage, mapped_at_creation: false };
        self.opened.device.create_buffer(&descriptor)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
