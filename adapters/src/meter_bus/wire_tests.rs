//! What the wire does to a careless client: late answers on a new connection,
//! answers that are too short, and a line that never falls quiet.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::{Block, BusError, Endpoint, MeterBus as _, Modbus, Patience};

const PATIENCE: Patience =
    Patience { connect: Duration::from_secs(5), answer: Duration::from_millis(300), gap: Duration::from_millis(1) };

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

fn crc(bytes: &[u8]) -> [u8; 2] {
    let mut crc = 0xFFFFu16;
    for byte in bytes {
        crc ^= u16::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xA001 } else { crc >> 1 };
        }
    }
    crc.to_le_bytes()
}

/// An RTU answer of unit 1 with these words.
fn rtu(words: &[u16]) -> Vec<u8> {
    let mut bytes = vec![1, 3, u8::try_from(words.len() * 2).expect("short")];
    bytes.extend(words.iter().flat_map(|word| word.to_be_bytes()));
    let check = crc(&bytes);
    bytes.extend(check);
    bytes
}

/// The first question is not answered in time; its answer comes on the next
/// connection, as gateways do it, and would fit the next question.
#[test]
fn a_late_answer_on_a_new_connection_is_thrown_away() {
    runtime().block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
        let at = listener.local_addr().expect("an address").to_string();
        let gateway = tokio::spawn(async move {
            let mut question = [0; 8];
            let (mut first, _) = listener.accept().await.expect("accepts");
            first.read_exact(&mut question).await.expect("the first question");
            let (mut second, _) = listener.accept().await.expect("accepts");
            // Within the patience of an answer, and after the pause between frames.
            tokio::time::sleep(PATIENCE.answer / 3).await;
            second.write_all(&rtu(&[0xDEAD, 0xBEEF])).await.expect("the late answer");
            second.read_exact(&mut question).await.expect("the next question");
            second.write_all(&rtu(&[1, 2])).await.expect("its answer");
            question
        });
        let mut bus = Modbus::new(Endpoint::RtuOverTcp(at), PATIENCE);
        let late = bus.read(1, Block { fc: 3, address: 0x82, count: 2 }).await;
        assert!(matches!(late, Err(BusError::Silent(300))), "{late:?}");
        let words = bus.read(1, Block { fc: 3, address: 0x90, count: 2 }).await.expect("an answer");
        assert_eq!(words, [1, 2], "not the answer to the question before");
        assert_eq!(bus.conversation(), 2);
        let asked = gateway.await.expect("ends");
        assert_eq!(asked[..6], [1, 3, 0, 0x90, 0, 2]);
    });
}

#[test]
fn an_answer_of_another_length_is_none() {
    runtime().block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
        let at = listener.local_addr().expect("an address").to_string();
        tokio::spawn(async move {
            let mut question = [0; 8];
            let (mut line, _) = listener.accept().await.expect("accepts");
            line.read_exact(&mut question).await.expect("a question");
            line.write_all(&rtu(&[7])).await.expect("a word too few");
        });
        let mut bus = Modbus::new(Endpoint::RtuOverTcp(at), PATIENCE);
        let short = bus.read(1, Block { fc: 3, address: 0, count: 2 }).await;
        assert!(matches!(short, Err(BusError::Length { asked: 2, got: 1 })), "{short:?}");
    });
}

#[test]
fn a_line_that_never_falls_quiet_is_not_asked_on() {
    runtime().block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
        let at = listener.local_addr().expect("an address").to_string();
        tokio::spawn(async move {
            let (mut line, _) = listener.accept().await.expect("accepts");
            while line.write_all(&[0x55]).await.is_ok() {
                tokio::task::yield_now().await;
            }
        });
        let mut bus = Modbus::new(Endpoint::RtuOverTcp(at), PATIENCE);
        let noise = bus.read(1, Block { fc: 3, address: 0, count: 2 }).await;
        assert!(noise.is_err(), "{noise:?}");
    });
}

#[test]
fn nobody_is_asked_as_everybody() {
    let mut bus = Modbus::new(Endpoint::Tcp("127.0.0.1:1".to_owned()), PATIENCE);
    let all = runtime().block_on(bus.read(0, Block { fc: 3, address: 0, count: 2 }));
    assert!(matches!(all, Err(BusError::Broadcast)));
}
