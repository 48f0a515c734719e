//! Sending what happened to those who listen. The log is the truth; a connection only has a place in it.

use crate::domain::{EventBody, JobEvent, JobId, JobImage, Subscription, Timestamp, limits};
use crate::error::PortResult;
use crate::ports::{Delivery, Ports, Preview};
use crate::views::Message;

/// Sends every listener of `job_id` the events it has not been sent yet.
///
/// Two deliveries at a time may send an event twice, never out of order from one of them: a client drops what it has
/// by `seq`. A listener that is gone is forgotten.
///
/// # Errors
/// The first one, after every listener was tried.
pub async fn deliver(ports: &Ports, job_id: &JobId, now: Timestamp) -> PortResult<()> {
    let mut outcome = Ok(());
    for listener in ports.connections.listeners(job_id, now).await? {
        let sent = send_missed(ports, &listener, now).await;
        outcome = outcome.and(sent);
    }
    outcome
}

/// Shows `preview` to the listeners of `job_id` that are there now.
///
/// # Errors
/// The first one, after every listener was tried.
pub async fn deliver_preview(
    ports: &Ports,
    job_id: &JobId,
    preview: &Preview,
    now: Timestamp,
) -> PortResult<()> {
    let listeners = ports.connections.listeners(job_id, now).await?;
    if listeners.is_empty() {
        return Ok(());
    }
    let message = Message::preview(*job_id, preview, now);
    let mut outcome = Ok(());
    for listener in listeners {
        let sent = send(ports, &listener, &message).await.map(drop);
        outcome = outcome.and(sent);
    }
    outcome
}

/// Sends `listener` the events after its place, in order, and moves its place on. After a job's last event there is
/// nothing more to hear, so the subscription ends.
pub(super) async fn send_missed(ports: &Ports, listener: &Subscription, now: Timestamp) -> PortResult<()> {
    let mut after = listener.after;
    loop {
        let page = limits::EVENTS_PAGE;
        let events = ports.jobs.events(&listener.owner, &listener.job_id, after, page, now).await?;
        let Some(events) = events else { return Ok(()) };
        for event in &events {
            if send_event(ports, listener, event, now).await? == Delivery::Gone {
                return Ok(());
            }
        }
        let Some(last) = events.last() else { return Ok(()) };
        after = last.seq;
        if last.body.is_terminal() {
            return ports.connections.unsubscribe(&listener.connection, &listener.job_id).await;
        }
        ports.connections.advance(&listener.connection, &listener.job_id, after).await?;
        if events.len() < page as usize {
            return Ok(());
        }
    }
}

async fn send_event(
    ports: &Ports,
    listener: &Subscription,
    event: &JobEvent,
    now: Timestamp,
) -> PortResult<Delivery> {
    let message = Message::of(event, &listener.owner, &*ports.links, now).await?;
    let mut delivery = send(ports, listener, &message).await?;
    if let (true, EventBody::Succeeded { images }) = (listener.inline, &event.body) {
        for image in images {
            if delivery == Delivery::Sent {
                delivery = send_bytes(ports, listener, image, now).await?;
            }
        }
    }
    Ok(delivery)
}

/// Sends an image's bytes in parts, each small enough for API Gateway.
async fn send_bytes(
    ports: &Ports,
    listener: &Subscription,
    image: &JobImage,
    now: Timestamp,
) -> PortResult<Delivery> {
    let bytes = ports.images.get(&image.sha256).await?;
    let chunks = bytes.len().div_ceil(limits::CHUNK_BYTES);
    for (index, part) in bytes.chunks(limits::CHUNK_BYTES).enumerate() {
        let message = Message::chunk(listener.job_id, image, index, chunks, part, now);
        if send(ports, listener, &message).await? == Delivery::Gone {
            return Ok(Delivery::Gone);
        }
    }
    Ok(Delivery::Sent)
}

async fn send(ports: &Ports, listener: &Subscription, message: &Message) -> PortResult<Delivery> {
    let delivery = ports.notifier.send(&listener.connection, message).await?;
    if delivery == Delivery::Gone {
        ports.connections.disconnect(&listener.connection).await?;
    }
    Ok(delivery)
}
