//! Modbus TCP, RTU over TCP and RTU on a serial port: tokio-modbus behind the
//! checks that it does not make (METERS.md, the table of its traps).

use std::borrow::Cow;
use std::io;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_modbus::client::{Client as _, Context, rtu, tcp};
use tokio_modbus::slave::{Slave, SlaveContext as _};
use tokio_modbus::{Error, ProtocolError, Request, Response};

use super::line::Line;
use super::{Block, BusError, MeterBus, Port, Write};

/// A coil that is on, as it is written.
const COIL_ON: u16 = 0xFF00;

/// Where a bus is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// A gateway that speaks Modbus TCP, as `host:port`.
    Tcp(String),
    /// A gateway that passes RTU frames on, as `host:port`.
    RtuOverTcp(String),
    /// A serial port of this machine.
    Serial {
        /// Such as `/dev/ttyUSB0`.
        path: String,
        /// Its settings.
        port: Port,
    },
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp(at) => write!(f, "tcp {at}"),
            Self::RtuOverTcp(at) => write!(f, "rtu over tcp {at}"),
            Self::Serial { path, port } => {
                write!(f, "{path} {} {}{}{}", port.baud, port.data_bits, port.parity, port.stop_bits)
            }
        }
    }
}

/// How long the bus waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// For a connection.
    pub connect: Duration,
    /// For an answer; after a fault an RTU line must be quiet for as long.
    pub answer: Duration,
    /// The pause between RTU frames.
    pub gap: Duration,
}

impl Patience {
    /// What a meter that does not answer costs at most: its answer, and the quiet after it.
    pub const fn worst(self) -> Duration {
        self.answer.saturating_mul(2)
    }
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(3),
            answer: Duration::from_secs(1),
            // 3.5 characters at 9600 baud.
            gap: Duration::from_millis(4),
        }
    }
}

/// A Modbus bus.
pub struct Modbus {
    endpoint: Endpoint,
    patience: Patience,
    open: Option<(Context, Line)>,
    conversation: u64,
    in_doubt: bool,
}

impl std::fmt::Debug for Modbus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Modbus").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

impl Modbus {
    /// A bus that connects with its first call.
    pub const fn new(endpoint: Endpoint, patience: Patience) -> Self {
        Self { endpoint, patience, open: None, conversation: 0, in_doubt: false }
    }

    const fn is_rtu(&self) -> bool {
        !matches!(self.endpoint, Endpoint::Tcp(_))
    }

    async fn open(&mut self) -> Result<&mut (Context, Line), BusError> {
        if self.open.is_none() {
            let opened = connect(&self.endpoint, self.patience.connect).await;
            let endpoint = || self.endpoint.to_string();
            let line = opened.map_err(|source| BusError::NoConnection { endpoint: endpoint(), source })?;
            if self.is_rtu() && self.in_doubt {
                // The answer that was not waited for may come on the new connection.
                let limit = self.patience.answer.saturating_mul(4);
                line.drain(self.patience.answer, limit).await.map_err(BusError::Broken)?;
            }
            let nobody = Slave(0);
            let context = if self.is_rtu() {
                rtu::attach_slave(line.clone(), nobody)
            } else {
                tcp::attach_slave(line.clone(), nobody)
            };
            self.in_doubt = false;
            self.conversation = self.conversation.saturating_add(1);
            self.open = Some((context, line));
        }
        self.open.as_mut().ok_or_else(|| BusError::Broken(io::ErrorKind::NotConnected.into()))
    }

    /// One request and its answer; hangs up after anything but a Modbus exception.
    async fn call<T>(
        &mut self,
        unit: u8,
        request: Request<'_>,
        check: impl FnOnce(Response) -> Result<T, BusError> + Send,
    ) -> Result<T, BusError> {
        let done = match self.ask(unit, request).await {
            Ok(response) => check(response),
            Err(error) => Err(error),
        };
        if done.as_ref().is_err_and(|error| !error.is_the_meters()) {
            self.hang_up();
        }
        done
    }

    async fn ask(&mut self, unit: u8, request: Request<'_>) -> Result<Response, BusError> {
        if unit == 0 {
            return Err(BusError::Broadcast);
        }
        let (patience, is_rtu) = (self.patience, self.is_rtu());
        let (context, line) = self.open().await?;
        if is_rtu {
            line.drain(patience.gap, patience.answer).await.map_err(BusError::Broken)?;
        }
        context.set_slave(Slave(unit));
        match timeout(patience.answer, context.call(request)).await {
            Err(_) => Err(BusError::Silent(patience.answer.as_millis())),
            Ok(Ok(Ok(response))) => Ok(response),
            Ok(Ok(Err(exception))) => Err(BusError::Exception(exception.into())),
            Ok(Err(Error::Transport(error))) => Err(BusError::Broken(error)),
            Ok(Err(Error::Protocol(error))) => Err(BusError::Foreign(foreign(&error))),
        }
    }
}

async fn connect(endpoint: &Endpoint, patience: Duration) -> io::Result<Line> {
    match endpoint {
        Endpoint::Tcp(at) | Endpoint::RtuOverTcp(at) => {
            let late = |_| io::Error::from(io::ErrorKind::TimedOut);
            let socket = timeout(patience, TcpStream::connect(at)).await.map_err(late)??;
            socket.set_nodelay(true)?;
            Ok(Line::new(socket))
        }
        Endpoint::Serial { path, port } => serial(path, *port),
    }
}

fn foreign(error: &ProtocolError) -> String {
    match error {
        ProtocolError::HeaderMismatch { message, .. } => message.clone(),
        ProtocolError::FunctionCodeMismatch { request, .. } => format!("function is not {}", request.value()),
    }
}

#[cfg(feature = "serial")]
fn serial(path: &str, port: Port) -> io::Result<Line> {
    use tokio_serial::{DataBits, Parity, SerialPortBuilderExt as _, StopBits};
    let parity = match port.parity {
        'E' => Parity::Even,
        'O' => Parity::Odd,
        _ => Parity::None,
    };
    let data_bits = if port.data_bits == 7 { DataBits::Seven } else { DataBits::Eight };
    let stop_bits = if port.stop_bits == 2 { StopBits::Two } else { StopBits::One };
    let builder = tokio_serial::new(path, port.baud).parity(parity).data_bits(data_bits).stop_bits(stop_bits);
    Ok(Line::new(builder.open_native_async()?))
}

#[cfg(not(feature = "serial"))]
fn serial(_path: &str, _port: Port) -> io::Result<Line> {
    Err(io::Error::other("this program was built without its feature `serial`"))
}

impl MeterBus for Modbus {
    async fn read(&mut self, unit: u8, block: Block) -> Result<Vec<u16>, BusError> {
        let Block { fc, address, count } = block;
        let request = match fc {
            1 => Request::ReadCoils(address, count),
            4 => Request::ReadInputRegisters(address, count),
            _ => Request::ReadHoldingRegisters(address, count),
        };
        self.call(unit, request, |response| words(block, response)).await
    }

    async fn write(&mut self, unit: u8, write: &Write) -> Result<(), BusError> {
        let (address, words) = (write.address(), write.words());
        let first = words.first().copied().unwrap_or(0);
        let request = match write.function() {
            5 => Request::WriteSingleCoil(address, first == COIL_ON),
            6 => Request::WriteSingleRegister(address, first),
            _ => Request::WriteMultipleRegisters(address, Cow::Borrowed(words)),
        };
        let count = words.len();
        let function = write.function();
        self.call(unit, request, move |response| {
            let same = match response {
                Response::WriteSingleCoil(at, on) => function == 5 && at == address && on == (first == COIL_ON),
                Response::WriteSingleRegister(at, word) => function == 6 && at == address && word == first,
                Response::WriteMultipleRegisters(at, n) => function == 16 && at == address && usize::from(n) == count,
                _ => false,
            };
            if same { Ok(()) } else { Err(BusError::Echo) }
        })
        .await
    }

    fn conversation(&self) -> u64 {
        self.conversation
    }

    fn hang_up(&mut self) {
        self.open = None;
        self.in_doubt = true;
    }
}

/// The words of an answer: of the function asked, and exactly as many.
fn words(block: Block, response: Response) -> Result<Vec<u16>, BusError> {
    let asked = usize::from(block.count);
    let length = |got| BusError::Length { asked: block.count, got };
    match (block.fc, response) {
        (1, Response::ReadCoils(coils)) => {
            // Coils come in whole bytes.
            if coils.len() != asked.next_multiple_of(8) {
                return Err(length(coils.len()));
            }
            Ok(coils.into_iter().take(asked).map(u16::from).collect())
        }
        (3, Response::ReadHoldingRegisters(words)) | (4, Response::ReadInputRegisters(words)) => {
            if words.len() == asked { Ok(words) } else { Err(length(words.len())) }
        }
        (fc, _) => Err(BusError::Foreign(format!("function is not {fc}"))),
    }
}
