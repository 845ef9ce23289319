//! Buffers, and the pool that they return to.
//!
//! A buffer comes back when the last tensor and the last recorded dispatch that use it are gone. Work that is
//! submitted later cannot overtake the work that used it before, so it can be given out again at once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The pool keeps this many bytes that are in nobody's hands, or as many as were in use at once: what a step of
/// training uses, the next one uses again.
const KEPT_BYTES: u64 = 1 << 29;

/// Where a part of a memory may begin: what every adapter can bind.
pub const ALIGNMENT: u64 = 256;

/// A buffer in use, or a part of one.
#[derive(Debug)]
pub struct Memory {
    range: MemoryRange,
    owner: Owner,
}

/// Which bytes of which buffer a memory is: what tells one binding from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MemoryRange {
    /// What no other buffer of this device is or was called.
    pub id: u64,
    /// Where it begins.
    pub offset: u64,
    /// Its size; of a whole buffer, it may be more than what was asked for.
    pub size: u64,
}

/// Who has the buffer.
#[derive(Debug)]
enum Owner {
    /// This memory, which gives it back.
    This(wgpu::Buffer, Arc<Pool>),
    /// The memory that this one is a part of.
    Whole(Arc<Memory>),
}

impl Memory {
    /// Part of this memory, which lives as long as its parts.
    pub fn part(self: &Arc<Self>, offset: u64, size: u64) -> Arc<Self> {
        debug_assert!(offset.is_multiple_of(ALIGNMENT) && offset + size <= self.range.size);
        let range = MemoryRange { id: self.range.id, offset: self.range.offset + offset, size };
        Arc::new(Self { range, owner: Owner::Whole(Arc::clone(self)) })
    }

    /// The buffer that it lies in.
    pub fn buffer(&self) -> &wgpu::Buffer {
        match &self.owner {
            Owner::This(buffer, _) => buffer,
            Owner::Whole(whole) => whole.buffer(),
        }
    }

    /// Which bytes of the buffer it is.
    pub fn range(&self) -> MemoryRange {
        self.range
    }

    /// The memory as a kernel sees it.
    pub fn binding(&self) -> wgpu::BindingResource<'_> {
        let MemoryRange { offset, size, .. } = self.range;
        wgpu::BindingResource::Buffer(wgpu::BufferBinding {
            buffer: self.buffer(),
            offset,
            size: std::num::NonZeroU64::new(size),
        })
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        if let Owner::This(buffer, pool) = &self.owner {
            pool.put_back(buffer.clone(), self.range.id);
        }
    }
}

/// Buffers that wait to be used again, by their size.
#[derive(Debug)]
pub struct Pool {
    /// Bytes that a buffer can have.
    most: u64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// By size, then by id. The lowest is given out first, so that work of one shape finds the same buffers, and bind
    /// groups, every time.
    free: BTreeMap<u64, BTreeMap<u64, wgpu::Buffer>>,
    free_bytes: u64,
    used_bytes: u64,
    most_used_bytes: u64,
    next_id: u64,
    created: u64,
    dropped: Vec<u64>,
}

impl Pool {
    /// One that is empty, of a device whose buffers have at most so many bytes.
    pub fn new(most: u64) -> Self {
        Self { most, state: Mutex::default() }
    }

    /// A buffer of at least `bytes`, and whether it has been used before: a new one is zero.
    pub fn take(self: &Arc<Self>, device: &wgpu::Device, bytes: u64) -> (Arc<Memory>, bool) {
        let size = size_class(bytes, self.most);
        let mut state = self.lock();
        let found = state.free.get_mut(&size).and_then(BTreeMap::pop_first);
        let used = found.is_some();
        let (id, buffer) = found.unwrap_or_else(|| {
            state.next_id += 1;
            state.created += 1;
            let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST;
            let descriptor = wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: false };
            (state.next_id, device.create_buffer(&descriptor))
        });
        if used {
            state.free_bytes -= size;
        }
        state.used_bytes += size;
        state.most_used_bytes = state.most_used_bytes.max(state.used_bytes);
        drop(state);
        let range = MemoryRange { id, offset: 0, size };
        (Arc::new(Memory { range, owner: Owner::This(buffer, Arc::clone(self)) }), used)
    }

    /// What there would be, in use and waiting, with a buffer of at least `bytes` more in use.
    pub fn bytes_with(&self, bytes: u64) -> u64 {
        let (size, state) = (size_class(bytes, self.most), self.lock());
        let new = if state.free.contains_key(&size) { 0 } else { size };
        state.used_bytes + state.free_bytes + new
    }

    /// Gives the buffers that nobody uses back to the device.
    pub fn trim(&self) {
        let mut state = self.lock();
        let freed: Vec<_> = std::mem::take(&mut state.free).into_values().flat_map(BTreeMap::into_keys).collect();
        state.dropped.extend(freed);
        state.free_bytes = 0;
    }

    /// How many buffers were created so far.
    pub fn created(&self) -> u64 {
        self.lock().created
    }

    /// The ids of buffers that exist no longer, since the last call.
    pub fn dropped(&self) -> Vec<u64> {
        std::mem::take(&mut self.lock().dropped)
    }

    fn put_back(&self, buffer: wgpu::Buffer, id: u64) {
        let mut state = self.lock();
        let size = buffer.size();
        state.used_bytes -= size;
        state.free_bytes += size;
        state.free.entry(size).or_default().insert(id, buffer);
        // The largest go first: one that nothing needs any more must not keep those out that every step needs.
        while state.free_bytes > KEPT_BYTES.max(state.most_used_bytes) {
            let Some(mut largest) = state.free.last_entry() else { break };
            let (size, freed) = (*largest.key(), largest.get_mut().pop_last());
            if largest.get().is_empty() {
                largest.remove();
            }
            if let Some((id, _)) = freed {
                state.free_bytes -= size;
                state.dropped.push(id);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The size that a request is rounded up to: a quarter of a power of two, so that at most a fifth is wasted, or the most that
/// there can be, which need not be one.
pub fn size_class(bytes: u64, most: u64) -> u64 {
    let step = (bytes.max(256).next_power_of_two() / 8).max(256);
    bytes.max(1).next_multiple_of(step).min(most.max(bytes))
}

#[cfg(test)]
mod tests {
    use super::size_class;

    #[test]
    fn size_classes_waste_little() {
        for bytes in [0, 1, 255, 256, 257, 1000, 4097, 123_456_789] {
            let size = size_class(bytes, 1 << 27);
            assert!(size >= bytes && size.is_multiple_of(256));
            assert!(bytes < 2048 || size * 4 <= bytes * 5, "{bytes} became {size}");
        }
    }

    #[test]
    fn no_size_class_is_beyond_the_device() {
        // Of Vulkan and D3D12.
        let most = (1 << 31) - 16;
        for (bytes, size) in [(1_879_048_192, 1_879_048_192), (1_879_048_193, most), (most, most)] {
            assert_eq!(size_class(bytes, most), size);
        }
    }
}
