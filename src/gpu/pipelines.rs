//! Pipelines and bind groups, made when they are first needed and kept.

use std::collections::HashMap;
use std::sync::Arc;

use super::memory::{Memory, MemoryRange};
use super::recording::{Kernel, PARAMS_SIZE};
use super::shader::{self, Interface, Shader, Variant};
use crate::Result;

/// A pipeline with what is needed to bind to it.
#[derive(Clone, Debug)]
pub struct Pipeline {
    /// The pipeline itself.
    pub pipeline: wgpu::ComputePipeline,
    /// Group 0: one storage buffer per entry, and whether it is written.
    pub writes: Arc<[bool]>,
    layout: wgpu::BindGroupLayout,
}

/// The caches.
#[derive(Debug)]
pub struct Pipelines {
    immediates: bool,
    params_layout: Option<wgpu::BindGroupLayout>,
    modules: HashMap<(Shader, Variant), (wgpu::ShaderModule, Interface)>,
    layouts: HashMap<Vec<bool>, wgpu::BindGroupLayout>,
    pipelines: HashMap<Kernel, Pipeline>,
    bind_groups: HashMap<(Arc<[bool]>, Vec<MemoryRange>), wgpu::BindGroup>,
    /// Pipelines created so far.
    pub pipelines_created: u64,
    /// Bind groups created so far.
    pub bind_groups_created: u64,
}

impl Pipelines {
    /// Empty caches, for pipelines whose `Params` are immediates or lie in a uniform buffer.
    pub fn new(device: &wgpu::Device, immediates: bool) -> Self {
        let params_layout = (!immediates).then(|| {
            let entry = wgpu::BindGroupLayoutEntry {
                binding: 0,
                visibility: wgpu::ShaderStages::COMPUTE,
                ty: wgpu::BindingType::Buffer {
                    ty: wgpu::BufferBindingType::Uniform,
                    has_dynamic_offset: true,
                    min_binding_size: None,
                },
                count: None,
            };
            device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: None, entries: &[entry] })
        });
        Self {
            immediates,
            params_layout,
            modules: HashMap::new(),
            layouts: HashMap::new(),
            pipelines: HashMap::new(),
            bind_groups: HashMap::new(),
            pipelines_created: 0,
            bind_groups_created: 0,
        }
    }

    /// The layout of the uniform buffer of `Params`, where that is what is used.
    pub fn params_layout(&self) -> Option<&wgpu::BindGroupLayout> {
        self.params_layout.as_ref()
    }

    /// The pipeline of a kernel.
    pub fn pipeline(&mut self, device: &wgpu::Device, kernel: &Kernel) -> Result<Pipeline> {
        if let Some(pipeline) = self.pipelines.get(kernel) {
            return Ok(pipeline.clone());
        }
        let (module, interface) = self.module(device, kernel)?;
        let layout = self.layout(device, &interface.writes);
        let groups: &[_] = match &self.params_layout {
            Some(params) => &[Some(&layout), Some(params)],
            None => &[Some(&layout)],
        };
        let immediate_size = if self.immediates { interface.params_size } else { 0 };
        let descriptor = wgpu::PipelineLayoutDescriptor { label: None, bind_group_layouts: groups, immediate_size };
        let pipeline_layout = device.create_pipeline_layout(&descriptor);
        let constants: Vec<_> =
            kernel.constants.iter().flatten().map(|&(name, value)| (name, f64::from(value))).collect();
        let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some(kernel.shader.stem),
            layout: Some(&pipeline_layout),
            module: &module,
            entry_point: Some("main"),
            compilation_options: wgpu::PipelineCompilationOptions {
                constants: &constants,
                // Every shader writes workgroup memory before it reads it.
                zero_initialize_workgroup_memory: false,
            },
            cache: None,
        });
        self.pipelines_created += 1;
        let made = Pipeline { pipeline, writes: interface.writes.into(), layout };
        self.pipelines.insert(*kernel, made.clone());
        Ok(made)
    }

    /// The bind group of a pipeline's group 0 with these buffers.
    pub fn bind_group(
        &mut self,
        device: &wgpu::Device,
        pipeline: &Pipeline,
        buffers: &[Arc<Memory>],
    ) -> wgpu::BindGroup {
        let key = (Arc::clone(&pipeline.writes), buffers.iter().map(|memory| memory.range()).collect());
        let created = &mut self.bind_groups_created;
        let group = self.bind_groups.entry(key).or_insert_with(|| {
            *created += 1;
            let entries: Vec<_> = (0..)
                .zip(buffers)
                .map(|(binding, memory)| wgpu::BindGroupEntry { binding, resource: memory.binding() })
                .collect();
            let layout = &pipeline.layout;
            device.create_bind_group(&wgpu::BindGroupDescriptor { label: None, layout, entries: &entries })
        });
        group.clone()
    }

    /// Forgets the bind groups of buffers that exist no longer.
    pub fn forget(&mut self, ids: &[u64]) {
        if !ids.is_empty() {
            self.bind_groups.retain(|(_, buffers), _| !buffers.iter().any(|range| ids.contains(&range.id)));
        }
    }

    fn module(&mut self, device: &wgpu::Device, kernel: &Kernel) -> Result<(wgpu::ShaderModule, Interface)> {
        let key = (kernel.shader, kernel.variant);
        if let Some(found) = self.modules.get(&key) {
            return Ok(found.clone());
        }
        let module = shader::module(kernel.shader, kernel.variant)?;
        let interface = shader::interface(kernel.shader.stem, &module)?;
        debug_assert!(interface.params_size as usize <= PARAMS_SIZE);
        let module = if self.immediates { shader::with_immediates(module) } else { module };
        let source = wgpu::ShaderSource::Naga(std::borrow::Cow::Owned(module));
        let module =
            device.create_shader_module(wgpu::ShaderModuleDescriptor { label: Some(kernel.shader.stem), source });
        self.modules.insert(key, (module.clone(), interface.clone()));
        Ok((module, interface))
    }

    fn layout(&mut self, device: &wgpu::Device, writes: &[bool]) -> wgpu::BindGroupLayout {
        let make = || {
            let entries: Vec<_> = (0..)
                .zip(writes)
                .map(|(binding, &writes)| wgpu::BindGroupLayoutEntry {
                    binding,
                    visibility: wgpu::ShaderStages::COMPUTE,
                    ty: wgpu::BindingType::Buffer {
                        ty: wgpu::BufferBindingType::Storage { read_only: !writes },
                        has_dynamic_offset: false,
                        min_binding_size: None,
                    },
                    count: None,
                })
                .collect();
            device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: None, entries: &entries })
        };
        self.layouts.entry(writes.to_vec()).or_insert_with(make).clone()
    }
}
