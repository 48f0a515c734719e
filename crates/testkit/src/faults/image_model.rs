//! An [`ImageModel`] that fails on demand: the call is `ImageModel::generate`, and each item of its stream is a call of
//! `ImageModel::next`.

use super::Faulty;
use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use tintype_core::{
    domain::{GenerationRequest, ModelCard},
    error::{PortError, PortResult},
    ports::{Drawn, Generated, ImageModel, SourceBytes},
};

#[async_trait]
impl ImageModel for Faulty<dyn ImageModel> {
    fn card(&self) -> &ModelCard {
        self.inner.card()
    }

    async fn generate(&self, request: &GenerationRequest, source: Option<SourceBytes>) -> PortResult<Drawn> {
        let drawn = self.call("ImageModel::generate", self.inner.generate(request, source)).await?;
        let model = Self::new(self.inner.clone(), &self.plan);
        let items = stream::unfold(Some((model, drawn)), |state| async move {
            let (model, mut drawn) = state?;
            match model.call("ImageModel::next", next(&mut drawn)).await.transpose()? {
                Ok(generated) => Some((Ok(generated), Some((model, drawn)))),
                // An error is a stream's last item.
                Err(error) => Some((Err(error), None)),
            }
        });
        Ok(items.fuse().boxed())
    }
}

async fn next(drawn: &mut Drawn) -> Result<Option<Generated>, PortError> {
    drawn.next().await.transpose()
}
