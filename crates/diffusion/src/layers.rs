//! The layers that the UNet, the VAE and the text encoder are made of. Those that candle computes slowly on a CPU, or
//! differently from diffusers, are written here; the rest is candle's.

mod attention;
mod conv2d;
mod erf;
mod gelu;
mod group_norm;
mod linear;
mod product;
mod resnet;
mod transformer;

pub(crate) use attention::{Attention, attend};
pub(crate) use conv2d::Conv2d;
pub(crate) use gelu::gelu;
pub(crate) use group_norm::GroupNorm;
pub(crate) use linear::Linear;
pub(crate) use resnet::{Resnet, ResnetShape};
pub(crate) use transformer::{SpatialTransformer, TransformerShape};

use candle_core::{CpuStorage, Layout, Result, bail};

/// The numbers of a contiguous 32-bit tensor.
fn numbers<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    let Some((from, to)) = layout.contiguous_offsets() else { bail!("the tensor is not contiguous") };
    Ok(&storage.as_slice::<f32>()?[from..to])
}
