//! `websocket`: the events of API Gateway's WebSocket API.
