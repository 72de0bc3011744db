/// Certificates, keys and tokens for tests, made with the Python package `cryptography`. The keys protect nothing.
///
/// The root (RSA) issued the intermediate (P-256), which issued those of the server (Ed25519) and the client (P-384); all are
/// valid from 2020 to 2120.
enum CryptoFixtures {
  static let rootCertificate = """
    -----BEGIN CERTIFICATE-----
    MIIDFDCCAfygAwIBAgIBATANBgkqhkiG9w0BAQsFADA6MQswCQYDVQQGEwJOTDEU
    MBIGA1UECgwLRXhhbXBsZSBPcmcxFTATBgNVBAMMDEV4YW1wbGUgUm9vdDAgFw0y
    MDAxMDEwMDAwMDBaGA8yMTIwMDEwMTAwMDAwMFowOjELMAkGA1UEBhMCTkwxFDAS
    BgNVBAoMC0V4YW1wbGUgT3JnMRUwEwYDVQQDDAxFeGFtcGxlIFJvb3QwggEiMA0G
    CSqGSIb3DQEBAQUAA4IBDwAwggEKAoIBAQChq+bJeGjOsNagJdZUs1x59KOqeu6d
    xmE0HAAq1DR5COvOkDQ66+gJeUxECmDSXiF7NemwuDVjIV9CkdHDSXHIurAbfFXZ
    wsKwk8rCacbT63ypfyH4WZtHAvfywuLIejv5khtnBw042sCVIdimhZhxpXtX2RTC
    ggFrVgVbuq5i4X+dBGKmm2LY7Bcab6YCbe4bHph0GeSUOCxZ0ZpXOqEqaVJJMjFQ
    xN5SBw0GDIZWO9yvgUytYrEtPezs+gdB/mPCOPgMJNCXMjyfniiJYyg8FO2Eu2i6
    qmzlxY8pRzIbQKo4lFpK5jNIw5ljteCyd8OAEtxjHnY8BgWOfpzOTQIlAgMBAAGj
    IzAhMA8GA1UdEwEB/wQFMAMBAf8wDgYDVR0PAQH/BAQDAgEGMA0GCSqGSIb3DQEB
    CwUAA4IBAQBWYHHWMUno3CSQfYrK9KOBlOrTwGEEF6qphE2PvFQVHm7YCYfUCSw7
    nSGcgq6DApd0p6h4U0AXsy5OPcUxtok7CXoenWD/Y68l76JhkM9D9Z+Ft619UNHI
    6Ug0mZd9DsA6T7a1LnEDIjUkCDd3GIoUtgK3EXcA/7D/6E7AWyyGJ49+PjrQAoU4
    Bm/CDNeT+nKMGpO3it/bjMnW/MeDyTKJYFtzK/1m0WpcCnsp5tAYgkiBIFf0XAjc
    nj+8Gxchs3BZ6EVQcy1yxGvYkG6P/w6WKxGAQpByAa5NTIhT+/PVIt4+SASu2xTo
    tiZux76Xdkz1+eQUmjnkOxWqk9PRnu7W
    -----END CERTIFICATE-----
    """ + "\n"

  static let intermediateCertificate = """
    -----BEGIN CERTIFICATE-----
    MIICLjCCARagAwIBAgIBAjANBgkqhkiG9w0BAQsFADA6MQswCQYDVQQGEwJOTDEU
    MBIGA1UECgwLRXhhbXBsZSBPcmcxFTATBgNVBAMMDEV4YW1wbGUgUm9vdDAgFw0y
    MDAxMDEwMDAwMDBaGA8yMTIwMDEwMTAwMDAwMFowHzEdMBsGA1UEAwwURXhhbXBs
    ZSBJbnRlcm1lZGlhdGUwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASnE6XWkNRy
    C8ImU1JXznHtvkaawaQeDuG7xIsHln5IoiRCsXU+mqLAUReg/O/CuCcdgi1UM0mZ
    sM9Jt3wF0qvsoyMwITAPBgNVHRMBAf8EBTADAQH/MA4GA1UdDwEB/wQEAwIBBjAN
    BgkqhkiG9w0BAQsFAAOCAQEAD2kiXXJsAVA6zqZW5F4jYSStxwaAMF/DLQJHg33A
    9yWp2gp4BMnS5jiFvYEA5HJ4xxrNrnSeGLmaol4MqDIWbg3Hp19CLL2Z0myf26gk
    a94Ax+H1G21C9fL+YsKiA+MpV1/mqgYk9th1+Fg2yrATothnQcazNOJ41x2j49EF
    l2SenBL9OxSqAO/YhxtglMQ7dgm0gDBGtbv7MN+/BN3jhB66QPtt7x2n2bUTPwJ/
    ZEnd3WulCm+XyaRx398pGf9ym2JJOnAEww7q5M4JE4C2CZzV2PGAzRa1kafMz8g+
    Z96fKsU9nlUPUvNEPkH/q7D1hT7Rdv/ObNke5xO2ybjfIQ==
    -----END CERTIFICATE-----
    """ + "\n"

  static let serverCertificate = """
    -----BEGIN CERTIFICATE-----
    MIIBmDCCAT6gAwIBAgIBAzAKBggqhkjOPQQDAjAfMR0wGwYDVQQDDBRFeGFtcGxl
    IEludGVybWVkaWF0ZTAgFw0yMDAxMDEwMDAwMDBaGA8yMTIwMDEwMTAwMDAwMFow
    GzEZMBcGA1UEAwwQYXBwLmV4YW1wbGUudGVzdDAqMAUGAytlcAMhAKCsM+IPwn5k
    LiSRhkS/L9coWE3dK8OryuMvCRUs6D6Ao4GbMIGYMAwGA1UdEwEB/wQCMAAwDgYD
    VR0PAQH/BAQDAgeAMBMGA1UdJQQMMAoGCCsGAQUFBwMBMGMGA1UdEQRcMFqCEGFw
    cC5leGFtcGxlLnRlc3SCEyoud2lsZC5leGFtcGxlLnRlc3SHBMAAAgeGGXNwaWZm
    ZTovL2V4YW1wbGUudGVzdC9hcHCBEG9wc0BleGFtcGxlLnRlc3QwCgYIKoZIzj0E
    AwIDSAAwRQIhALySjyc+QOXH8toModaLEMla0cb7JFuFatSU+jY1179sAiBaOZtu
    VkSifdC76WLKy9qmzrIUeWn0J9m52aIQSFFQoA==
    -----END CERTIFICATE-----
    """ + "\n"

  static let clientCertificate = """
    -----BEGIN CERTIFICATE-----
    MIIBVDCB+6ADAgECAgEEMAoGCCqGSM49BAMDMB8xHTAbBgNVBAMMFEV4YW1wbGUg
    SW50ZXJtZWRpYXRlMCAXDTIwMDEwMTAwMDAwMFoYDzIxMjAwMTAxMDAwMDAwWjAR
    MQ8wDQYDVQQDDAZjbGllbnQwdjAQBgcqhkjOPQIBBgUrgQQAIgNiAAREvc9qte6H
    BuVBV4Y2nWr9AzTP+ogLY1OeDW4vnFlConElJaiFOuqq+AUWsLM5RZwAKX5QdaUD
    Y8PVALbMdWNJeHcQi3OM4pkQLzeBEa4e4/jfIYuav2WtAtKIjXu+HE6jFzAVMBMG
    A1UdJQQMMAoGCCsGAQUFBwMCMAoGCCqGSM49BAMDA0gAMEUCIHKC4cXTPFmBikOm
    bxipJQ52zYS3fEWNwYBJIS76OwuqAiEAgRgiTboR7dCVwm9GQbgp9qDRDTnT8fof
    Bn+eGdjfFuo=
    -----END CERTIFICATE-----
    """ + "\n"

  static let request = """
    -----BEGIN CERTIFICATE REQUEST-----
    MIIBLzCB1gIBADBCMQswCQYDVQQGEwJOTDEUMBIGA1UECgwLRXhhbXBsZSBPcmcx
    HTAbBgNVBAMMFHJlcXVlc3QuZXhhbXBsZS50ZXN0MFkwEwYHKoZIzj0CAQYIKoZI
    zj0DAQcDQgAEpxOl1pDUcgvCJlNSV85x7b5GmsGkHg7hu8SLB5Z+SKIkQrF1Ppqi
    wFEXoPzvwrgnHYItVDNJmbDPSbd8BdKr7KAyMDAGCSqGSIb3DQEJDjEjMCEwHwYD
    VR0RBBgwFoIUcmVxdWVzdC5leGFtcGxlLnRlc3QwCgYIKoZIzj0EAwIDSAAwRQIh
    ALBbVzD0Ngw+cDc+HBSQClQ8fEhgLGfpEmHdCxbDWHdzAiAL3sndpXxltV1aXLrH
    fXX91ynclP97ulBz4R5Etb8q5g==
    -----END CERTIFICATE REQUEST-----
    """ + "\n"

  static let rsaKey = """
    -----BEGIN PRIVATE KEY-----
    MIIEvgIBADANBgkqhkiG9w0BAQEFAASCBKgwggSkAgEAAoIBAQChq+bJeGjOsNag
    JdZUs1x59KOqeu6dxmE0HAAq1DR5COvOkDQ66+gJeUxECmDSXiF7NemwuDVjIV9C
    kdHDSXHIurAbfFXZwsKwk8rCacbT63ypfyH4WZtHAvfywuLIejv5khtnBw042sCV
    IdimhZhxpXtX2RTCggFrVgVbuq5i4X+dBGKmm2LY7Bcab6YCbe4bHph0GeSUOCxZ
    0ZpXOqEqaVJJMjFQxN5SBw0GDIZWO9yvgUytYrEtPezs+gdB/mPCOPgMJNCXMjyf
    niiJYyg8FO2Eu2i6qmzlxY8pRzIbQKo4lFpK5jNIw5ljteCyd8OAEtxjHnY8BgWO
    fpzOTQIlAgMBAAECggEABZlkRBCDQrtNp5y/3E2c841VOMOKrZSwC6O3nsQcMB/u
    uMf2Qx8l+WQFz+pzGX4Ql0mR9yCeGrmOaMoPk32g7vSGQmFvQLw1zXNE57BNpkvG
    1MD2Lnl9/vrblwEIZSyUlKtqfwo3u0MaPd/+9p90XOVADRYT2buybGL9iwR/YyXB
    jfx8ndXV6sAwbGIcfkQbzrrPgUzIqG+n/lm6quBSrSV9R0AE79S5q8g+Qs11WMRx
    XZvny5WIj4R70cceCI03FPDAXQWYJO5QiNpHQ5aFqgpzJbclXcpgVa++yem4mYOT
    E096IDLIuMLJlVbkNDfEDX6sv3E1gku6BRgcUXAV8QKBgQDXe7lZ6seplmbpaxid
    KBcwnF0ARYtThoYZVEwdvoB57giLbTq3L0yxBcZA1nle/QOlkHKbZUtnPtqkkKmi
    NcIiGZx34eopcxuDspN/AmcbTPJh3VqkAwiGuP2u/xTfLTyIWds5Ye7pVoMR1k2d
    xSh0UMmZfd1HHIxoMNzmpeM9lQKBgQDAEfMFFpH32OklKUmu4+oPmDuh7PAwbQzn
    kb91JAVnq1ete7JuDRfMsb5ajAk5w4u4OrAhenhTimWAGsqfHUtwiFg603jO88OL
    mDfZR5852EEeM+9SqvkKrtDmxfSSO8q2l/ibZ+szjYgVK9lFFfkjHJgZzKTAwnR5
    t4JA8A7uUQKBgQCXYmqTSyg+clWWgxDlx/aSxidoO3NomMe5H8nh06Y7AwmpunFX
    pLlCXIYtov/dxe8778E0fvN8c2Hz31Xticr7XfbZGjQCLsYTve91eWCqg2J9cp9t
    PlxNGcXPnZEyQXuXZ1lmdPD9qTOn4mDhCFQlc2ROm2hLvzi9MibfO4fsCQKBgA1u
    c+csL+L8KTmvDHcNeyXCCJGHRzirt5ZOC+x+K16XjdcU6mJlyf9Hgr9EQbTnZtLo
    T77XmKiG6hguR3MfElJ5Rmo+tZkLVOZjK6ynJIxgAhXBnf/S8v17QiKRP0wmoENq
    lzkO6FS/lf+dBGGfar+41S4gsHjGYGzOl25BG1oxAoGBAMFM/ew+foyrfPcrWyV/
    QMNPJpCiH+ffSkqq/KDqh+MLZcFNuNsc1FU10WE4RhjE7AKFyb86mOpuSWbjkx+5
    cGfk7PNXuPJobQQ0HVu1l+MTylPJS+hrl1pwY+qfqD/+0D7c+h0HFlflvJO7mdoE
    IKPtS2xSUZmXHrlRGChuSWOf
    -----END PRIVATE KEY-----
    """ + "\n"

  static let rsaKeyPKCS1 = """
    -----BEGIN RSA PRIVATE KEY-----
    MIIEpAIBAAKCAQEAoavmyXhozrDWoCXWVLNcefSjqnruncZhNBwAKtQ0eQjrzpA0
    OuvoCXlMRApg0l4hezXpsLg1YyFfQpHRw0lxyLqwG3xV2cLCsJPKwmnG0+t8qX8h
    +FmbRwL38sLiyHo7+ZIbZwcNONrAlSHYpoWYcaV7V9kUwoIBa1YFW7quYuF/nQRi
    ppti2OwXGm+mAm3uGx6YdBnklDgsWdGaVzqhKmlSSTIxUMTeUgcNBgyGVjvcr4FM
    rWKxLT3s7PoHQf5jwjj4DCTQlzI8n54oiWMoPBTthLtouqps5cWPKUcyG0CqOJRa
    SuYzSMOZY7XgsnfDgBLcYx52PAYFjn6czk0CJQIDAQABAoIBAAWZZEQQg0K7Taec
    v9xNnPONVTjDiq2UsAujt57EHDAf7rjH9kMfJflkBc/qcxl+EJdJkfcgnhq5jmjK
    D5N9oO70hkJhb0C8Nc1zROewTaZLxtTA9i55ff7625cBCGUslJSran8KN7tDGj3f
    /vafdFzlQA0WE9m7smxi/YsEf2MlwY38fJ3V1erAMGxiHH5EG866z4FMyKhvp/5Z
    uqrgUq0lfUdABO/UuavIPkLNdVjEcV2b58uViI+Ee9HHHgiNNxTwwF0FmCTuUIja
    R0OWhaoKcyW3JV3KYFWvvsnpuJmDkxNPeiAyyLjCyZVW5DQ3xA1+rL9xNYJLugUY
    HFFwFfECgYEA13u5WerHqZZm6WsYnSgXMJxdAEWLU4aGGVRMHb6Aee4Ii206ty9M
    sQXGQNZ5Xv0DpZBym2VLZz7apJCpojXCIhmcd+HqKXMbg7KTfwJnG0zyYd1apAMI
    hrj9rv8U3y08iFnbOWHu6VaDEdZNncUodFDJmX3dRxyMaDDc5qXjPZUCgYEAwBHz
    BRaR99jpJSlJruPqD5g7oezwMG0M55G/dSQFZ6tXrXuybg0XzLG+WowJOcOLuDqw
    IXp4U4plgBrKnx1LcIhYOtN4zvPDi5g32UefOdhBHjPvUqr5Cq7Q5sX0kjvKtpf4
    m2frM42IFSvZRRX5IxyYGcykwMJ0ebeCQPAO7lECgYEAl2Jqk0soPnJVloMQ5cf2
    ksYnaDtzaJjHuR/J4dOmOwMJqbpxV6S5QlyGLaL/3cXvO+/BNH7zfHNh899V7YnK
    +1322Ro0Ai7GE73vdXlgqoNifXKfbT5cTRnFz52RMkF7l2dZZnTw/akzp+Jg4QhU
    JXNkTptoS784vTIm3zuH7AkCgYANbnPnLC/i/Ck5rwx3DXslwgiRh0c4q7eWTgvs
    fitel43XFOpiZcn/R4K/REG052bS6E++15iohuoYLkdzHxJSeUZqPrWZC1TmYyus
    pySMYAIVwZ3/0vL9e0IikT9MJqBDapc5DuhUv5X/nQRhn2q/uNUuILB4xmBszpdu
    QRtaMQKBgQDBTP3sPn6Mq3z3K1slf0DDTyaQoh/n30pKqvyg6ofjC2XBTbjbHNRV
    NdFhOEYYxOwChcm/Opjqbklm45MfuXBn5OzzV7jyaG0ENB1btZfjE8pTyUvoa5da
    cGPqn6g//tA+3PodBxZX5byTu5naBCCj7UtsUlGZlx65URgobkljnw==
    -----END RSA PRIVATE KEY-----
    """ + "\n"

  static let ellipticKey = """
    -----BEGIN PRIVATE KEY-----
    MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgdf5ylqywGL3ZCwGN
    46IhfKJnCCJZsJEynpwFRHi95dqhRANCAASnE6XWkNRyC8ImU1JXznHtvkaawaQe
    DuG7xIsHln5IoiRCsXU+mqLAUReg/O/CuCcdgi1UM0mZsM9Jt3wF0qvs
    -----END PRIVATE KEY-----
    """ + "\n"

  static let ellipticKeySEC1 = """
    -----BEGIN EC PRIVATE KEY-----
    MHcCAQEEIHX+cpassBi92QsBjeOiIXyiZwgiWbCRMp6cBUR4veXaoAoGCCqGSM49
    AwEHoUQDQgAEpxOl1pDUcgvCJlNSV85x7b5GmsGkHg7hu8SLB5Z+SKIkQrF1Ppqi
    wFEXoPzvwrgnHYItVDNJmbDPSbd8BdKr7A==
    -----END EC PRIVATE KEY-----
    """ + "\n"

  static let edwardsKey = """
    -----BEGIN PRIVATE KEY-----
    MC4CAQAwBQYDK2VwBCIEILohh2YJNjTQYhV+0R8iA9fBXOCM5AqsPqBRUtZwj8Uy
    -----END PRIVATE KEY-----
    """ + "\n"

  static let rsaPublicKey = """
    -----BEGIN PUBLIC KEY-----
    MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAoavmyXhozrDWoCXWVLNc
    efSjqnruncZhNBwAKtQ0eQjrzpA0OuvoCXlMRApg0l4hezXpsLg1YyFfQpHRw0lx
    yLqwG3xV2cLCsJPKwmnG0+t8qX8h+FmbRwL38sLiyHo7+ZIbZwcNONrAlSHYpoWY
    caV7V9kUwoIBa1YFW7quYuF/nQRippti2OwXGm+mAm3uGx6YdBnklDgsWdGaVzqh
    KmlSSTIxUMTeUgcNBgyGVjvcr4FMrWKxLT3s7PoHQf5jwjj4DCTQlzI8n54oiWMo
    PBTthLtouqps5cWPKUcyG0CqOJRaSuYzSMOZY7XgsnfDgBLcYx52PAYFjn6czk0C
    JQIDAQAB
    -----END PUBLIC KEY-----
    """ + "\n"

  static let ellipticPublicKey = """
    -----BEGIN PUBLIC KEY-----
    MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEpxOl1pDUcgvCJlNSV85x7b5GmsGk
    Hg7hu8SLB5Z+SKIkQrF1PpqiwFEXoPzvwrgnHYItVDNJmbDPSbd8BdKr7A==
    -----END PUBLIC KEY-----
    """ + "\n"

  static let edwardsPublicKey = """
    -----BEGIN PUBLIC KEY-----
    MCowBQYDK2VwAyEAoKwz4g/CfmQuJJGGRL8v1yhYTd0rw6vK4y8JFSzoPoA=
    -----END PUBLIC KEY-----
    """ + "\n"

  /// Private keys as JSON, by name.
  static let webKeys: [String: String] = [
    "rsa":
      #"{"kty": "RSA", "n": "oavmyXhozrDWoCXWVLNcefSjqnruncZhNBwAKtQ0eQjrzpA0OuvoCXlMRApg0l4hezXpsLg1YyFfQpHRw0lxyLqwG3xV2cLCsJPKwmnG0-t8qX8h-FmbRwL38sLiyHo7-ZIbZwcNONrAlSHYpoWYcaV7V9kUwoIBa1YFW7quYuF_nQRippti2OwXGm-mAm3uGx6YdBnklDgsWdGaVzqhKmlSSTIxUMTeUgcNBgyGVjvcr4FMrWKxLT3s7PoHQf5jwjj4DCTQlzI8n54oiWMoPBTthLtouqps5cWPKUcyG0CqOJRaSuYzSMOZY7XgsnfDgBLcYx52PAYFjn6czk0CJQ", "e": "AQAB", "d": "BZlkRBCDQrtNp5y_3E2c841VOMOKrZSwC6O3nsQcMB_uuMf2Qx8l-WQFz-pzGX4Ql0mR9yCeGrmOaMoPk32g7vSGQmFvQLw1zXNE57BNpkvG1MD2Lnl9_vrblwEIZSyUlKtqfwo3u0MaPd_-9p90XOVADRYT2buybGL9iwR_YyXBjfx8ndXV6sAwbGIcfkQbzrrPgUzIqG-n_lm6quBSrSV9R0AE79S5q8g-Qs11WMRxXZvny5WIj4R70cceCI03FPDAXQWYJO5QiNpHQ5aFqgpzJbclXcpgVa--yem4mYOTE096IDLIuMLJlVbkNDfEDX6sv3E1gku6BRgcUXAV8Q", "p": "13u5WerHqZZm6WsYnSgXMJxdAEWLU4aGGVRMHb6Aee4Ii206ty9MsQXGQNZ5Xv0DpZBym2VLZz7apJCpojXCIhmcd-HqKXMbg7KTfwJnG0zyYd1apAMIhrj9rv8U3y08iFnbOWHu6VaDEdZNncUodFDJmX3dRxyMaDDc5qXjPZU", "q": "wBHzBRaR99jpJSlJruPqD5g7oezwMG0M55G_dSQFZ6tXrXuybg0XzLG-WowJOcOLuDqwIXp4U4plgBrKnx1LcIhYOtN4zvPDi5g32UefOdhBHjPvUqr5Cq7Q5sX0kjvKtpf4m2frM42IFSvZRRX5IxyYGcykwMJ0ebeCQPAO7lE", "dp": "l2Jqk0soPnJVloMQ5cf2ksYnaDtzaJjHuR_J4dOmOwMJqbpxV6S5QlyGLaL_3cXvO-_BNH7zfHNh899V7YnK-1322Ro0Ai7GE73vdXlgqoNifXKfbT5cTRnFz52RMkF7l2dZZnTw_akzp-Jg4QhUJXNkTptoS784vTIm3zuH7Ak", "dq": "DW5z5ywv4vwpOa8Mdw17JcIIkYdHOKu3lk4L7H4rXpeN1xTqYmXJ_0eCv0RBtOdm0uhPvteYqIbqGC5Hcx8SUnlGaj61mQtU5mMrrKckjGACFcGd_9Ly_XtCIpE_TCagQ2qXOQ7oVL-V_50EYZ9qv7jVLiCweMZgbM6XbkEbWjE", "qi": "wUz97D5-jKt89ytbJX9Aw08mkKIf599KSqr8oOqH4wtlwU242xzUVTXRYThGGMTsAoXJvzqY6m5JZuOTH7lwZ-Ts81e48mhtBDQdW7WX4xPKU8lL6GuXWnBj6p-oP_7QPtz6HQcWV-W8k7uZ2gQgo-1LbFJRmZceuVEYKG5JY58"}"#,
    "p256":
      #"{"kty": "EC", "crv": "P-256", "x": "pxOl1pDUcgvCJlNSV85x7b5GmsGkHg7hu8SLB5Z-SKI", "y": "JEKxdT6aosBRF6D878K4Jx2CLVQzSZmwz0m3fAXSq-w", "d": "df5ylqywGL3ZCwGN46IhfKJnCCJZsJEynpwFRHi95do"}"#,
    "p384":
      #"{"kty": "EC", "crv": "P-384", "x": "RL3ParXuhwblQVeGNp1q_QM0z_qIC2NTng1uL5xZQqJxJSWohTrqqvgFFrCzOUWc", "y": "ACl-UHWlA2PD1QC2zHVjSXh3EItzjOKZEC83gRGuHuP43yGLmr9lrQLSiI17vhxO", "d": "QYI7ye7QEW_r3--Bq9eRrzMx7wUQLzGRN4na_hyA06uugVvENpi74vGMc60zd-mU"}"#,
    "p521":
      #"{"kty": "EC", "crv": "P-521", "x": "Adt4IiYIoP2QK1dKr2SSsUmrqepUnPdH0fy6wdmO9W5VyPQyiVgBlUN0o6Sp70naUkQ_cddtyyIpbWtsM9V8kpja", "y": "AYyx84zmhPefBowaVL7NCGt_ANlwt23GQgj_sOAweOefBl8oWT0002wv7ISouOV-Qy32TBC7nVwIrOB_Mam7gXZI", "d": "AXC8EU6Vc8P-pDr-zMIeuvCL57hrJ1ow9L0UUkEob5iltRAoH1FjTJ_jVjV6MtE5vp8Hyxy6c_xUp2irQFMo12qY"}"#,
    "ed25519":
      #"{"kty": "OKP", "crv": "Ed25519", "x": "oKwz4g_CfmQuJJGGRL8v1yhYTd0rw6vK4y8JFSzoPoA", "d": "uiGHZgk2NNBiFX7RHyID18Fc4IzkCqw-oFFS1nCPxTI"}"#,
  ]

  /// Tokens with the claims `{"iss": "tests", "exp": 4102444800}`, by algorithm.
  static let tokens: [String: String] = [
    "RS256":
      "eyJhbGciOiAiUlMyNTYiLCAidHlwIjogIkpXVCJ9.eyJpc3MiOiAidGVzdHMiLCAiZXhwIjogNDEwMjQ0NDgwMH0.jY_1WCsuRhAAPG2DZn26wjMiRUQDqARZLSpSD597E6qedLDtqrvLX1GZqYt9W8c0vih0fvaH8ReSuIs2YgMWw_TbkCAz6-7nLdYT0j1RWbnzPZZIceFw0ndRlX_RkRV63i5xBvjNA68YdSuqEbV6gkPsDmUUDx2FwQsDKo-0Qwt05LDirbrFU6b7hdLX6iNvWfvyClZL5RJvRVfIGth9nW01TXShGfPSYi6I8j4mBsL7wx0oTzMjAi8y_ewNApJ4DR49rGpHROjNo1iDEDK5xlwhGOWeLFzAJhHSnWM7jqJ2MFNygYTy72IQO_9XmF8TN9TDeOQTz9accjn6X5A8sQ",
    "PS256":
      "eyJhbGciOiAiUFMyNTYiLCAidHlwIjogIkpXVCJ9.eyJpc3MiOiAidGVzdHMiLCAiZXhwIjogNDEwMjQ0NDgwMH0.RpiDkRW96iIari1azPTY1T_-iffXCYzDa_8QPgEc2rqivqUNPXY9XImZ2Tm2oX8R2UO9OAkZ9uzIdqhekPWTWyC9ICNc2h0YeXwHN4nvC7MKYtepgeyTjlLCfaf3kLHYiVMk_QbphTogWLNDljOyuuO9b2TDaEEfScUAwksPTgRWgpSHsNrj3lA5pqcNfZFWAFoniubjj9M5Ii3EEOHnqL3U2BjbTcXNTRS7o4dugc0tI9xzC80bWNmnMGR7cbT1HDuuuD7TwRRnzng0A76gLyU352o-6w16R3vkxl36EzMbkkwmXqqQbe8EfH5MsIXN2Rt3PadjEOPB7WgzchaV7w",
    "ES256":
      "eyJhbGciOiAiRVMyNTYiLCAidHlwIjogIkpXVCJ9.eyJpc3MiOiAidGVzdHMiLCAiZXhwIjogNDEwMjQ0NDgwMH0.uEt_FxUdk-Bc8FFNHqBu7_ld7ixDZamZ_nxJff1dAuJpj93-QrmDbH1muZU_Rlsdz9GvsIC7WiUUYuonXrxIvA",
    "RS384":
      "eyJhbGciOiAiUlMzODQiLCAidHlwIjogIkpXVCJ9.eyJpc3MiOiAidGVzdHMiLCAiZXhwIjogNDEwMjQ0NDgwMH0.MXr-zsd6oyFYMNBn7gxpTQ9WNIiMC5r6DQCE32wljvOvhwr7qK2DVjLkzZpN9naUlYdAPCgWIdL9_ZQI5JxCxHuXWQtjNeO4ydMxwcuNoP5iIwwFKZ56ctmb_6tmCWIDTXl_ceIbz6Tsecfyec8zCekU3dX4h_krZtBWsKqPpzLehyW8kWuDeApknQYPqscbDjUaOBWLmjPNMevrE1qCHeBNOQA-PaRpMwm5VRUnDfx6lKAmyXJ7gMH-uBtWEKA_wIa3ZIeJHqyO3v8L8aAm0KXJV5EBZzWXPonUM_0MVA61Z6gnVp9bNg7dQ0nGhdimjR17c0u-jwaQ7xtLE-UZVQ",
    "PS384":
      "eyJhbGciOiAiUFMzODQiLCAidHlwIjogIkpXVCJ9.eyJpc3MiOiAidGVzdHMiLCAiZXhwIjogNDEwMjQ0NDgwMH0.P5kRsO2xj_aY4JoxMZeZP-E7hWdYEkohSnG42MMC5rrXxaASZmRzXbMG4txvwMWZp3IrQAo31y0PrRqTzYEDm6GcAtQy2JY_sv0NsWRZr60ouQAJvyjZLxkeAcdww-4lfu5rvncqKxa-9hYsJKANfJPQGj81i-mRIRQwQDF3TCnpRm2Z5uXPZvK8aF35qSua7I__8-GPZgDu_yQGGuurQHUDCEN8sDPj0lsvyctcjpATZ2zA2irhGxTWgqUgEJz70PxVzvok181ucWa68RQCBMXocABkTDLUztBF8IBo2upYeGltgIe2YpvMsvIpcSoVphP0IGBDU46DPDgAi_vZ_g",
    "ES384":
      "eyJhbGciOiAiRVMzODQiLCAidHlwIjogIkpXVCJ9.eyJpc3MiOiAidGVzdHMiLCAiZXhwIjogNDEwMjQ0NDgwMH0.11xnCBUueEtdCavqR6QltwiqITH4VO_2fqcgAYakTItdL8Bh8iQCo8Elpq5uOkQkDmQh7qusq8jnbft0kXe8pO7PvYrbaf8QmDGsDJ1ixuefctGiPZ2qYokwZ1eBacLW",
    "RS512":
      "eyJhbGciOiAiUlM1MTIiLCAidHlwIjogIkpXVCJ9.eyJpc3MiOiAidGVzdHMiLCAiZXhwIjogNDEwMjQ0NDgwMH0.fZPUOkKBj1EC3TqrHc6iFL52cp25gm6-MhfFbNzPnoVEXCaW_7XpdsuSlXCfk6n4dmgoXTxJ63n7BSs5barGu8pqbo9LIBKkXmgiqZHQyi0R04LobXShPTqFZY1GBMkMApvWPFvb2eXwrg5Eq0h9fhfcaf31V8kcwz9A3nAnPX6jImkWBGoUdkv4nIeOUnTZcTSVwKpNbWaFymKrCpcPfiQRXDIRyzE2S3TvGWxSFgDAj7Lp0A8SBRcHuQcXv7oBz0tgQ73DeS8KWqDtZstnOUQbfxi4EakBuNLfgbFiChPJQJ3KzklnB6JWc3hVLCa2HWjUs1MGmPn5kKj19ZaKWA",
    "PS512":
      "eyJhbGciOiAiUFM1MTIiLCAidHlwIjogIkpXVCJ9.eyJpc3MiOiAidGVzdHMiLCAiZXhwIjogNDEwMjQ0NDgwMH0.Z6aqRKKN0ZxA4JqZ7cMQN7amUtLgOh5tndoO2lC6q5PLNaSaEo9Xc5NLXluBE1zRmwsqLrRs6byxV1ihRV8iJe8MwXr8AbJ00Qnsz58OWpBRJZ68ZMO4qcqq3kh4DsnXQZJR_CTTkfdA6k_RsG39ehxv9GKtlYuCipeCxqMPnqvidWTdKm84KLxL4iiFuf3S9j_PwOoDBq0PLDE2I3nxbwP0N8txP9DAS5MAoe93zYt2x9kA7iiuDNOZm2rr4a5mx3nazlui_m6baYCv_ZZme8vI2dr5pWpd8qHzwnNaJdGSxLSkGneEQjqZcia4iFKIrBcrucOkUxNWAF8mzaz51Q",
    "ES512":
      "eyJhbGciOiAiRVM1MTIiLCAidHlwIjogIkpXVCJ9.eyJpc3MiOiAidGVzdHMiLCAiZXhwIjogNDEwMjQ0NDgwMH0.AKWYHswjFLi_ECPAngyhuAdcgVXjaFhAv0tF2RpsNDN3y0fPjm65E0rs00xTDi1stHOR_1k1KumIDH2aE4QJIOooAd-zis90WXCMSqCOx7KmXyq3P9FrV8DPdlduueGIKBz0eLu28hSihxPZY8N2-LfdcS7N17OHUplBZwUl9GewdkYm",
    "EdDSA":
      "eyJhbGciOiAiRWREU0EiLCAidHlwIjogIkpXVCJ9.eyJpc3MiOiAidGVzdHMiLCAiZXhwIjogNDEwMjQ0NDgwMH0.fl4OdFu3CD21sNw-TuebUNLfsKKSu0FDq0reoXlUGkxedjmfcCIfOp1hV_eDL4pvLHv3IFKB-BrkxHUTX2H2Ag",
  ]
}
