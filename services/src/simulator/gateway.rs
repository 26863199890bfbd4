//! The socket of a gateway: Modbus TCP, one request at a time, at the pace of its bus.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::meter::KpmMeter;

/// A character on the wire: start, eight bits, parity and stop.
const BITS: u64 = 11;
/// Silence before and after each frame, in tenths of a character.
const GAP_TENTHS: u64 = 35;

/// How fast the bus behind the gateway is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// As fast as it goes.
    Free,
    /// A serial line.
    Baud(u32),
}

impl Pace {
    /// How long a question and its answer, of so many bytes as RTU frames, hold the line.
    pub fn holds(self, request: usize, answer: usize) -> Duration {
        let Self::Baud(baud) = self else { return Duration::ZERO };
        let bytes = u64::try_from(request.saturating_add(answer)).unwrap_or(u64::MAX);
        let tenths = bytes.saturating_mul(10).saturating_add(GAP_TENTHS.saturating_mul(2));
        let nanos = tenths.saturating_mul(BITS).saturating_mul(100_000_000);
        Duration::from_nanos(nanos.checked_div(u64::from(baud)).unwrap_or(0))
    }
}

/// A gateway, and the meters behind it by their addresses.
#[derive(Debug)]
pub struct Gateway {
    address: SocketAddr,
    meters: Arc<Mutex<BTreeMap<u8, KpmMeter>>>,
}

impl Gateway {
    /// Listens on a free port of loopback, in the runtime that this is called from.
    pub async fn open(meters: BTreeMap<u8, KpmMeter>, pace: Pace) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let gateway = Self { address: listener.local_addr()?, meters: Arc::new(Mutex::new(meters)) };
        let meters = Arc::clone(&gateway.meters);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                // One conversation at a time is enough for one collector.
                serve(socket, &meters, pace).await.unwrap_or_default();
            }
        });
        Ok(gateway)
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes its meters: lets time pass, draws power.
    pub fn change<T>(&self, change: impl FnOnce(&mut BTreeMap<u8, KpmMeter>) -> T) -> T {
        // Whoever panicked left plain numbers behind.
        change(&mut self.meters.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn serve(mut socket: TcpStream, meters: &Mutex<BTreeMap<u8, KpmMeter>>, pace: Pace) -> io::Result<()> {
    socket.set_nodelay(true)?;
    loop {
        let mut head = [0u8; 7];
        socket.read_exact(&mut head).await?;
        let [t0, t1, _, _, l0, l1, unit] = head;
        let length = usize::from(u16::from_be_bytes([l0, l1])).saturating_sub(1);
        if !(2..=253).contains(&length) {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut request = vec![0u8; length];
        socket.read_exact(&mut request).await?;
        let answer = {
            let mut meters = meters.lock().unwrap_or_else(PoisonError::into_inner);
            meters.get_mut(&unit).map(|meter| answer(meter, &request))
        };
        // A unit that is not there is silent, as on a bus.
        let Some(answer) = answer else { continue };
        // As RTU: the unit before it and two bytes of checksum behind it.
        tokio::time::sleep(pace.holds(request.len().saturating_add(3), answer.len().saturating_add(3))).await;
        let length = u16::try_from(answer.len().saturating_add(1)).unwrap_or(u16::MAX).to_be_bytes();
        let mut frame = vec![t0, t1, 0, 0, length[0], length[1], unit];
        frame.extend(answer);
        socket.write_all(&frame).await?;
    }
}

/// The answer to a request, or an exception.
fn answer(meter: &mut KpmMeter, request: &[u8]) -> Vec<u8> {
    let exception = |function: u8, code: u8| vec![function | 0x80, code];
    let [function, a0, a1, v0, v1, ..] = *request else { return exception(request.first().copied().unwrap_or(0), 3) };
    let (address, value) = (u16::from_be_bytes([a0, a1]), u16::from_be_bytes([v0, v1]));
    match (function, address, value) {
        (1, 1, 1) => vec![1, 1, u8::from(meter.relay_on)],
        (3, _, 1..=60) => match meter.words(address, value) {
            Some(words) => {
                let mut bytes = vec![3, u8::try_from(words.len().saturating_mul(2)).unwrap_or(0)];
                bytes.extend(words.into_iter().flat_map(u16::to_be_bytes));
                bytes
            }
            None => exception(3, 2),
        },
        (5, 1, 0 | 0xFF00) => {
            meter.relay_on = value != 0;
            request.to_vec()
        }
        (1 | 5, ..) => exception(function, 2),
        (3, ..) => exception(3, 3),
        _ => exception(function, 1),
    }
}
