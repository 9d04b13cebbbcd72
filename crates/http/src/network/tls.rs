//! What went wrong with TLS, out of the errors in which it comes wrapped.

use std::error::Error;
use std::io;

use dynaseal_engine::TlsFault;
use rustls::{AlertDescription, CertificateError};

/// The fault of TLS in an error, if that is its cause.
pub(super) fn fault(error: &(dyn Error + 'static)) -> Option<TlsFault> {
    cause(error).map(of)
}

/// Whether a connection that TLS had made was ended for want of a certificate of its caller: TLS 1.3 says so only then, and
/// what was sent is not looked at.
pub(super) fn wants_certificate(error: &(dyn Error + 'static)) -> bool {
    matches!(cause(error), Some(rustls::Error::AlertReceived(AlertDescription::CertificateRequired)))
}

fn cause<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e rustls::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref() {
            return Some(error);
        }
        // An I/O error's source is that of the error inside, which would be left out.
        next = match error.downcast_ref::<io::Error>() {
            Some(error) => error.get_ref().map(|inner| inner as &(dyn Error + 'static)),
            None => error.source(),
        };
    }
    None
}

fn of(error: &rustls::Error) -> TlsFault {
    match error {
        rustls::Error::InvalidCertificate(fault) => match fault {
            // An authority of the same name and another key is another authority.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => TlsFault::UnknownIssuer,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => TlsFault::WrongName,
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => TlsFault::Expired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => TlsFault::NotYetValid,
            CertificateError::Revoked => TlsFault::Revoked,
            _ => TlsFault::Certificate,
        },
        rustls::Error::InvalidMessage(_) | rustls::Error::InappropriateMessage { .. } => TlsFault::NotTls,
        rustls::Error::AlertReceived(_) | rustls::Error::PeerIncompatible(_) => TlsFault::Alert,
        _ => TlsFault::Other,
    }
}
